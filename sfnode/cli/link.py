"""Commands about the way to the hub: link, sync, transfers."""

from __future__ import annotations

import click

from sfnode.config import LinkMode
from sfnode.errors import LinkDown
from sfnode.views import StatusView, SyncReport, TransferView, from_primitive

from .moments import show_bytes, show_span
from .terminal import Terminal, pass_terminal, table


@click.group()
def link() -> None:
    """How the hub is reached, and when."""


@link.command("set")
@click.option("--hub", "hub_url", help="Address of the hub.")
@click.option("--name", help="Name of the link, for people.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in LinkMode]),
    help="hold: stay connected; poll: when something waits and every --poll-s; manual: only `sfnode sync`.",
)
@click.option("--poll-s", type=float, help="Seconds between looks for replies.")
@click.option("--usd-per-megabyte", type=float, help="What the link costs.")
@click.option("--rate-bit-s", type=int, help="Its expected rate, until it was measured.")
@click.option("--rtt-s", type=float, help="Its expected round trip, until it was measured.")
@click.option("--pin", help='The hub\'s key for https, sha256:… as `sfhub serve` prints it; "" for none.')
@click.option("--udp", help='Sessions go here, udp://HOST:PORT as `sfhub serve --udp` opens it; "" for none.')
@pass_terminal
def set_link(terminal: Terminal, **values: object) -> None:
    """Change some settings of the link; the others stay. They are kept in site.toml."""
    answer = terminal.call("link_set", {key: value for key, value in values.items() if value is not None})
    terminal.show(answer, [f"{key:18} {value}" for key, value in answer.items()])


@link.command("show")
@pass_terminal
def show_link(terminal: Terminal) -> None:
    """The settings of the link."""
    answer = terminal.call("link_set", {})
    terminal.show(answer, [f"{key:18} {value}" for key, value in answer.items()])


@link.command("status")
@pass_terminal
def link_status(terminal: Terminal) -> None:
    """How the link is, and how its bytes travel."""
    view = from_primitive(StatusView, terminal.call("status"))
    shown = {"link": view.link, "up": view.link_up, "medium": list(view.medium)}
    terminal.show(shown, [view.link, *view.medium])


@click.command()
@click.option("--once", is_flag=True, help="End when nothing is left to do; this is what it always does.")
@pass_terminal
def sync(terminal: Terminal, once: bool) -> None:
    """Reach the hub now, and go on until nothing is left to do.

    Exit status 5 when the link is down or broke off: what was stored stays stored, the rest is queued.
    """
    answer = terminal.call("sync_once")
    report = from_primitive(SyncReport, answer)
    lines = [
        f"ended     {report.ended}",
        f"link      {report.link}, {report.seconds:.1f} s, ${report.usd:.4f}",
        f"sent      {report.bundles_sent} bundles, {show_bytes(report.payload_up)}",
        f"received  {report.bundles_received} bundles, {show_bytes(report.payload_down)}",
        f"on link   {show_bytes(report.bytes_up)} up, {show_bytes(report.bytes_down)} down",
    ]
    terminal.show(answer, lines)
    if not report.complete:
        raise LinkDown(
            f"{report.ended.rstrip('.')}. What was written is queued here; it goes when the link is back."
        )


@click.command()
@click.option("--case", "case", help="Only of this case.")
@pass_terminal
def transfers(terminal: Terminal, case: str | None) -> None:
    """What is on its way, and how far."""
    answer = terminal.call("transfers", {"case": case} if case else {})
    views = [from_primitive(TransferView, row) for row in answer]
    terminal.show(answer, show_transfers(views))


def show_transfers(views: list[TransferView]) -> list[str]:
    """One line per bundle."""
    if not views:
        return ["Nothing was sent yet."]
    rows = [("WHAT", "WAY", "DONE", "SIZE", "STATE", "LEFT")]
    rows += [
        (
            view.what,
            view.direction,
            f"{100 * view.done_bytes // view.size_bytes}%" if view.size_bytes else "",
            show_bytes(view.size_bytes),
            view.state,
            "" if view.eta_s is None else show_span(view.eta_s),
        )
        for view in views
    ]
    return table(rows)
