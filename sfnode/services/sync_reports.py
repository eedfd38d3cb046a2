"""What `sync` reports to the person who asked: several contacts as one, or that none was made."""

from __future__ import annotations

from collections.abc import Sequence

from sfnode.views import SyncReport


def nothing_dialled(link: str, held: tuple[str, ...]) -> SyncReport:
    """`held`: what holds it back."""
    return SyncReport(
        link=link,
        ended="nothing may be spent now",
        complete=False,
        seconds=0.0,
        bundles_sent=0,
        bundles_received=0,
        bytes_up=0,
        bytes_down=0,
        payload_up=0,
        payload_down=0,
        bytes_received_twice=0,
        usd=0.0,
        held=held,
    )


def together(reports: Sequence[SyncReport]) -> SyncReport:
    """Several contacts as one: the sums, and how the last one ended."""
    last = reports[-1]
    return SyncReport(
        link=", ".join(dict.fromkeys(each.link for each in reports)),
        ended=last.ended,
        complete=last.complete,
        seconds=round(sum(each.seconds for each in reports), 3),
        bundles_sent=sum(each.bundles_sent for each in reports),
        bundles_received=sum(each.bundles_received for each in reports),
        bytes_up=sum(each.bytes_up for each in reports),
        bytes_down=sum(each.bytes_down for each in reports),
        payload_up=sum(each.payload_up for each in reports),
        payload_down=sum(each.payload_down for each in reports),
        bytes_received_twice=sum(each.bytes_received_twice for each in reports),
        usd=sum(each.usd for each in reports),
        held=last.held,
        failed=last.failed and not any(each.complete for each in reports),
    )
