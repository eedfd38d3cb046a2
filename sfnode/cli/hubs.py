"""Commands about the hubs of a site: join one more, list them, choose the home hub, leave one."""

from __future__ import annotations

import click

from sfnode.views import HubView, from_primitive

from .moments import show_bytes, show_moment
from .site import enrol
from .terminal import Terminal, pass_terminal, table


@click.group()
def site() -> None:
    """The hubs of this site: join, list, choose the home hub, leave."""


site.add_command(enrol, "enrol")


@site.command("hubs")
@pass_terminal
def list_hubs(terminal: Terminal) -> None:
    """Every hub: since when, over which links, what waits for it."""
    answer = terminal.call("hubs")
    views = [from_primitive(HubView, row) for row in answer]
    head = ("NAME", "ORGANISATION", "ENROLLED", "LINKS", "UNSENT", "LAST HEARD", "")
    rows = [head, *(_row(view) for view in views)]
    terminal.show(answer, table(rows) if views else ["This site has no hub yet. Join one: `sfnode enrol`."])


@site.command("home")
@click.argument("hub")
@pass_terminal
def make_home(terminal: Terminal, hub: str) -> None:
    """Make a hub the one that is meant where none is named. Cases and links stay with the hubs they have."""
    answer = terminal.call("hub_home", {"hub": hub})
    terminal.show(answer, [f"{answer['home']} is the home hub."])


@site.command("leave")
@click.argument("hub")
@click.option("--abandon", is_flag=True, help="Also give up what the hub does not have yet.")
@pass_terminal
def leave(terminal: Terminal, hub: str, abandon: bool) -> None:
    """Talk with a hub no more. Its cases stay readable here; its links are forgotten.

    Refused while something waits for it.
    """
    answer = terminal.call("hub_leave", {"hub": hub, "abandon": abandon})
    lines = [f"This site has left {answer['hub']}. Its cases stay readable here."]
    lines += [f"given up  {what}" for what in answer["abandoned"]]
    lines += [f"forgotten link {name}" for name in answer["links"]]
    terminal.show(answer, lines)


def _row(view: HubView) -> tuple[str, ...]:
    return (
        view.name,
        view.organisation,
        show_moment(view.enrolled_s),
        ", ".join(view.links) or f"no link to {view.name}",
        f"{view.unsent_count} items, {show_bytes(view.unsent_bytes)}",
        show_moment(view.last_contact_s),
        "home" if view.home else "",
    )
