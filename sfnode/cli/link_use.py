"""Commands that use the ways to the hub: sync, transfers, price."""

from __future__ import annotations

from typing import Final

import click

from sfnode.errors import CapReached, LinkDown
from sfnode.views import PriceView, SyncReport, TransferView, from_primitive

from .moments import show_bytes, show_span, show_usd
from .terminal import Terminal, pass_terminal, table


@click.command()
@click.option("--once", is_flag=True, help="End when nothing is left to do; this is what it always does.")
@click.option("--link", "link", help="Over this link, whatever its mode [default: whichever serves best].")
@click.option("--hub", "hub", help="Only this hub, by name [default: every one].")
@pass_terminal
def sync(terminal: Terminal, once: bool, link: str | None, hub: str | None) -> None:
    """Reach the hub now, and go on until nothing is left to do.

    Exit status 5 when the link is down or broke off, 6 when a cap or a floor holds something back: what was
    stored stays stored, the rest is queued.
    """
    named = {"link": link, "hub": hub}
    answer = terminal.call("sync_once", {key: name for key, name in named.items() if name is not None})
    report = from_primitive(SyncReport, answer)
    lines = [
        f"ended     {report.ended}",
        f"link      {report.link}, {report.seconds:.1f} s, ${report.usd:.4f}",
        f"sent      {report.bundles_sent} bundles, {show_bytes(report.payload_up)}",
        f"received  {report.bundles_received} bundles, {show_bytes(report.payload_down)}",
        f"on link   {show_bytes(report.bytes_up)} up, {show_bytes(report.bytes_down)} down",
    ]
    terminal.show(answer, lines)
    held = " ".join(report.held)
    if held and not report.failed:
        raise CapReached(held)
    if not report.complete:
        down = f"{report.ended.rstrip('.')}. What was written is queued here; it goes when the link is back."
        raise LinkDown(f"{down} {held}".rstrip())


@click.command()
@click.option("--case", "case", help="Only of this case.")
@pass_terminal
def transfers(terminal: Terminal, case: str | None) -> None:
    """What is on its way, and how far."""
    answer = terminal.call("transfers", {"case": case} if case else {})
    views = [from_primitive(TransferView, row) for row in answer]
    terminal.show(answer, show_transfers(views))


@click.command()
@click.argument("case", required=False)
@pass_terminal
def price(terminal: Terminal, case: str | None) -> None:
    """Bytes, minutes and money over each link: of a case, sent or not, or of all that waits.

    Nothing is sent.
    """
    show_price(terminal, case)


_PEOPLE: Final = "That is the link alone: when a person reads it and answers, nobody can promise."


def show_price(terminal: Terminal, case: str | None) -> None:
    """What `price` and `send --dry-run` print."""
    answer = terminal.call("price", {} if case is None else {"case": case})
    terminal.show(answer, _price_lines(from_primitive(PriceView, answer)))


def show_transfers(views: list[TransferView]) -> list[str]:
    """One line per bundle."""
    if not views:
        return ["Nothing was sent yet."]
    head = ("HUB", "WHAT", "WAY", "DONE", "SIZE", "STATE", "LEFT", "AT THE HUB")
    rows = [head, *(_transfer_row(view) for view in views)]
    # What is empty in every row is no column.
    shown = [at for at in range(len(head)) if 0 < at < len(head) - 1 or any(row[at] for row in rows[1:])]
    return table([[row[at] for at in shown] for row in rows])


def _transfer_row(view: TransferView) -> tuple[str, ...]:
    return (
        view.hub,
        view.what,
        view.direction,
        f"{100 * view.done_bytes // view.size_bytes}%" if view.size_bytes else "",
        show_bytes(view.size_bytes),
        view.state,
        "" if view.eta_s is None else show_span(view.eta_s),
        view.arrival or "",
    )


def _price_lines(view: PriceView) -> list[str]:
    if not view.bundles:
        return ["Nothing waits. A look for replies takes:", *_link_lines(view)]
    rows = [("WHAT", "CLASS", "SIZE", "OVER", "WITHIN", "PRICE")]
    rows += [
        (
            each.what,
            each.priority,
            show_bytes(each.size_bytes),
            each.link or "held back",
            "" if each.seconds is None else show_span(each.seconds),
            "" if each.usd is None else show_usd(each.usd),
        )
        for each in view.bundles
    ]
    return [
        *table(rows),
        *([f"Arrival: {view.arrival}.", _PEOPLE] if view.arrival else []),
        "",
        f"{show_bytes(view.size_bytes)} in all:",
        *_link_lines(view),
    ]


def _link_lines(view: PriceView) -> list[str]:
    if not view.links:
        return ["No link leads to its hub, so nothing of it is on its way: `sfnode link list`."]
    rows = [("LINK", "ON LINK", "TIME", "PRICE", "BASIS")]
    rows += [
        (
            each.link,
            show_bytes(each.bytes),
            show_span(each.seconds),
            show_usd(each.usd),
            each.basis,
        )
        for each in view.links
    ]
    words = [
        f"{each.link}: {sentence}" for each in view.links for sentence in (each.held, each.window) if sentence
    ]
    return [*table(rows), *words]
