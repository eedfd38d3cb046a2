"""Commands about the daemon itself: serve, unlock, lock, stop, status, watch."""

from __future__ import annotations

import json

import click

from sfnode.config import LinkMode
from sfnode.views import HubView, StatusView, from_primitive
from sync.local_socket import Event

from .moments import show_bytes, show_moment
from .terminal import Terminal, pass_terminal, printable

TOPICS = ("progress", "status", "alarm", "case_changed")


@click.command()
@click.option("--hub", "hub_url", help="Address of the hub, for this run.")
@click.option("--link", "name", help="Name of the link, for this run.")
@click.option(
    "--mode", type=click.Choice([mode.value for mode in LinkMode]), help="When to dial, for this run."
)
@click.option("--usd-per-megabyte", type=float, help="What the link costs, for this run.")
@click.option("--ready-fd", type=click.IntRange(3), help="Descriptor to write `ready` to once it listens.")
@pass_terminal
def serve(
    terminal: Terminal,
    hub_url: str | None,
    name: str | None,
    mode: str | None,
    usd_per_megabyte: float | None,
    ready_fd: int | None,
) -> None:
    """Run the daemon in the foreground, until it is stopped.

    Other commands start it by themselves. With a passphrase it unlocks the vault; without one it sends,
    receives and rings all the same.
    """
    from sfnode.serving import ServeOptions, run_daemon

    terminal.folder.require()
    overrides = {"hub_url": hub_url, "name": name, "mode": mode, "usd_per_megabyte": usd_per_megabyte}
    options = ServeOptions(
        overrides={key: value for key, value in overrides.items() if value is not None},
        passphrase=terminal.passphrase.read() if terminal.passphrase.given else None,
        ready_descriptor=ready_fd,
        announce=lambda line: click.echo(printable(line)),
    )
    run_daemon(terminal.folder, options)


@click.command()
@pass_terminal
def unlock(terminal: Terminal) -> None:
    """Open the vault, so that cases can be read and written."""
    answer = terminal.call("unlock", {"passphrase": terminal.ask_passphrase()})
    terminal.show(answer, ["The vault is unlocked."])


@click.command()
@pass_terminal
def lock(terminal: Terminal) -> None:
    """Close the vault; sending, receiving and alarms go on."""
    terminal.show(terminal.call("lock"), ["The vault is locked. Sending, receiving and alarms go on."])


@click.command()
@pass_terminal
def stop(terminal: Terminal) -> None:
    """End the daemon. Nothing is sent, received or rung until it runs again."""
    from .calling import stop_running

    terminal.folder.require()
    stopped = stop_running(terminal.folder)
    words = "The daemon is stopped." if stopped else "The daemon was not running."
    terminal.show({"stopped": stopped}, [words])


@click.command()
@click.option("--seen", is_flag=True, help="Show what is there; notices that were read are not shown again.")
@pass_terminal
def status(terminal: Terminal, seen: bool) -> None:
    """The site at a glance: link, what waits, what it cost."""
    answer = terminal.call("status")
    if seen:
        terminal.call("notices_seen")
    view = from_primitive(StatusView, answer)
    lines = [
        f"site      {view.site}",
        f"hub       {view.hub or 'not enrolled'}",
        f"vault     {view.vault}",
        f"link      {view.link}",
        *(f"          {line}" for line in view.medium),
        f"unsent    {view.unsent_count} items, {show_bytes(view.unsent_bytes)}",
        f"replies   {view.unread_replies} unread",
        f"alarms    {view.alarms}",
        f"traffic   {show_bytes(view.bytes_up)} up, {show_bytes(view.bytes_down)} down",
        f"spent     ${view.spent_usd:.2f}",
        f"contact   {show_moment(view.last_contact_s)}",
        *([f"forecasts {view.forecasts}"] if view.forecasts else []),
        f"keys      {_keys_in_words(view)}",
        *(line for hub in view.hubs if len(view.hubs) > 1 for line in _hub_lines(hub)),
        *(f"notice    {notice}" for notice in view.notices),
    ]
    terminal.show(answer, lines)


def _hub_lines(hub: HubView) -> list[str]:
    """One of several hubs on its own."""
    return [
        "",
        f"hub       {hub.name}{', home' if hub.home else ''}",
        f"link      {hub.link}",
        f"unsent    {hub.unsent_count} items, {show_bytes(hub.unsent_bytes)}",
        f"contact   {show_moment(hub.last_contact_s)}",
        *([f"aside     {hub.kept_aside} entries that may not stand"] if hub.kept_aside else []),
    ]


def _keys_in_words(view: StatusView) -> str:
    epoch = "locked" if view.key_epoch is None else f"epoch {view.key_epoch}"
    if not view.rekeys_pending:
        return epoch
    how = "unlock to seal them again" if view.vault == "locked" else "being sealed again"
    return f"{epoch}; {view.rekeys_pending} messages cannot be opened at the hub: {how}"


@click.command()
@click.option(
    "--topic", "topics", type=click.Choice(TOPICS), multiple=True, help="Only these [default: all]."
)
@pass_terminal
def watch(terminal: Terminal, topics: tuple[str, ...]) -> None:
    """Print the status, then events as they happen, one per line, until the daemon ends."""
    from .calling import follow

    def show(event: Event) -> None:
        if terminal.as_json:
            line = json.dumps({"event": event.topic, "data": event.data}, ensure_ascii=False)
        else:
            line = printable(" ".join(_words(event)))
        click.echo(line)

    follow(terminal, topics or TOPICS, show)


def _words(event: Event) -> list[str]:
    data = event.data
    match event.topic:
        case "progress":
            done = f"{data['done_bytes']}/{data['size_bytes']} B"
            return [data["direction"], data["what"], done, data["state"]]
        case "alarm":
            return ["ALARM", data["severity"], data["text"]]
        case "status":
            return ["link", data["link"], "vault", data["vault"], "unsent", str(data["unsent_count"])]
    return [event.topic, *(f"{key} {value}" for key, value in data.items())]
