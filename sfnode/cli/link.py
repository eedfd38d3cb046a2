"""Commands about the ways to the hub: what they are, how they are, what may go over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from sfnode.config import LinkMode
from sfnode.errors import BadRequest
from sfnode.link_settings import FLOORS
from sfnode.views import LinkView, StatusView, from_primitive

from .moments import show_bytes, show_usd
from .terminal import Terminal, pass_terminal, table

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def link() -> None:
    """How the hub is reached, when, and at what price."""


def link_options(command: Command) -> Command:
    """Everything that can be said of a link but its name."""
    for option in reversed(
        (
            click.option(
                "--hub", help="The hub it leads to, by name, where there are several; or its address."
            ),
            click.option("--address", "hub_url", help="Address of the hub."),
            click.option(
                "--mode",
                type=click.Choice([mode.value for mode in LinkMode]),
                help="hold: stay connected; poll: when something waits and every --poll-s; manual: only "
                "`sfnode sync`.",
            ),
            click.option("--poll-s", type=float, help="Seconds between looks for replies."),
            click.option(
                "--floor",
                type=click.Choice(FLOORS),
                help="The least urgent class that may go over it. An emergency may go over any.",
            ),
            click.option("--usd-per-megabyte", type=float, help="What bytes cost."),
            click.option("--usd-per-minute", type=float, help="What time costs while connected."),
            click.option("--increment-s", type=float, help="Time is billed in steps of so many seconds."),
            click.option("--usd-per-message", type=float, help="What a message costs."),
            click.option("--message-bytes", type=int, help="How much one message carries."),
            click.option("--usd-per-session", type=float, help="What setting a contact up costs."),
            click.option(
                "--session-bytes-min", type=int, help="A contact is billed as so many bytes at least."
            ),
            click.option(
                "--session-s-min", type=float, help="A contact is billed as so many seconds at least."
            ),
            click.option("--cap-usd-per-day", type=float, help="The most it may cost in a day (UTC)."),
            click.option("--cap-bytes-per-day", type=int, help="The most it may carry in a day (UTC)."),
            click.option("--no-cap", is_flag=True, default=None, help="Take the caps away."),
            click.option("--reserve-share", type=float, help="Of the caps, kept for emergencies: 0 to 1."),
            click.option("--rate-bit-s", type=int, help="Its expected rate, until it was measured."),
            click.option("--rtt-s", type=float, help="Its expected round trip, until it was measured."),
            click.option(
                "--pin", help='The hub\'s key for https, sha256:… as `sfhub serve` prints it; "" for none.'
            ),
            click.option(
                "--udp",
                help='Sessions go here, udp://HOST:PORT as `sfhub serve --udp` opens it; "" for none.',
            ),
            click.option(
                "--bind",
                help="Packets leave from this address or network interface of this machine, and no other "
                'way; "" for wherever routes lead.',
            ),
        )
    ):
        command = option(command)
    return command


@link.command("set")
@click.argument("name_of", metavar="[NAME]", required=False)
@click.option("--name", help="Another name for it, for people.")
@link_options
@pass_terminal
def set_link(terminal: Terminal, name_of: str | None, **values: object) -> None:
    """Change some settings of the named link, or else of the first one; the others stay.

    They are kept in site.toml.
    """
    changes = _given(values)
    named = {} if name_of is None else {"link": name_of}
    _show_settings(terminal, terminal.call("link_set", {**named, **changes}))
    if changes.keys() & _WHERE:
        _warn_of_one_way(terminal)


@link.command("add")
@click.argument("name")
@link_options
@pass_terminal
def add_link(terminal: Terminal, name: str, **values: object) -> None:
    """Add a link. Without --hub it leads to the home hub; without an address, where its first link does."""
    given = _given(values)
    _show_settings(terminal, terminal.call("link_add", {"link": name, **given}))
    _warn_of_one_way(terminal)


@link.command("remove")
@click.argument("name")
@pass_terminal
def remove_link(terminal: Terminal, name: str) -> None:
    """Forget a link. What waits goes over the others."""
    terminal.show(terminal.call("link_remove", {"link": name}), [f"{name} is forgotten."])


@link.command("show")
@click.argument("name", required=False)
@pass_terminal
def show_link(terminal: Terminal, name: str | None) -> None:
    """The settings of the named link, or else of the first one."""
    _show_settings(terminal, terminal.call("link_set", {} if name is None else {"link": name}))


@link.command("list")
@pass_terminal
def list_links(terminal: Terminal) -> None:
    """Every link: how it is, what may go over it, what it has cost today."""
    answer = terminal.call("link_list")
    views = [from_primitive(LinkView, row) for row in answer]
    head = ("NAME", "HUB", "MODE", "FLOOR", "PRICE", "TODAY", "CAP", "RATE", "STATE")
    rows = [head, *(_row(view) for view in views)]
    has_several = len({view.hub for view in views}) > 1
    terminal.show(answer, table(rows if has_several else [(row[0], *row[2:]) for row in rows]))


@link.command("status")
@pass_terminal
def link_status(terminal: Terminal) -> None:
    """How the links are, and how their bytes travel."""
    view = from_primitive(StatusView, terminal.call("status"))
    shown = {"link": view.link, "up": view.link_up, "medium": list(view.medium)}
    terminal.show(shown, [view.link, *view.medium])


def _given(values: Mapping[str, object]) -> dict[str, object]:
    """What was said, with a hub that was named by its address told apart."""
    given = {key: value for key, value in values.items() if value is not None}
    if "://" in str(given.get("hub", "")):
        if "hub_url" in given:
            raise BadRequest("Give the hub's address once, and its name with --hub. Nothing was changed.")
        given["hub_url"] = given.pop("hub")
    return given


_WHERE: Final = frozenset(("hub_url", "udp", "bind"))
"""What says which way a link's bytes take."""


def _warn_of_one_way(terminal: Terminal) -> None:
    """Links that this machine cannot tell apart are billed by their names, not by what carries the bytes."""
    ways: dict[tuple[object, ...], str] = {}
    for row in terminal.call("link_list"):
        settings = terminal.call("link_set", {"link": row["name"]})
        way = tuple(settings[key] or "" for key in sorted(_WHERE))
        if (other := ways.setdefault(way, row["name"])) != row["name"]:
            terminal.say(
                f"{other} and {row['name']} lead to the same address by the same way, so what is meant for "
                "one may go over the other. Tell them apart: "
                f"`sfnode link set {row['name']} --bind INTERFACE`, or another --hub."
            )


def _show_settings(terminal: Terminal, answer: Mapping[str, object]) -> None:
    lines = [f"{key:18} {value}" for key, value in answer.items() if value is not None]
    terminal.show(answer, lines)


def _row(view: LinkView) -> tuple[str, ...]:
    caps = [] if view.cap_usd is None else [show_usd(view.cap_usd)]
    caps += [] if view.cap_bytes is None else [show_bytes(view.cap_bytes)]
    basis = "measured" if view.measured_contacts else "declared"
    return (
        view.name,
        view.hub or "none",
        view.mode,
        view.floor,
        view.price,
        f"{show_usd(view.spent_today_usd)}, {show_bytes(view.today_bytes)}",
        " or ".join(caps) or "none",
        f"{view.rate_bit_s / 1000:.3g} kbit/s {basis}",
        view.state,
    )
