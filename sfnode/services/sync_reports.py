"""What `sync` reports to the person who asked: a contact, several as one, or that none was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sfnode.views import SyncReport
from sync.core import Counters

from .contact_account import Account
from .contact_words import ALLOWANCE_SPENT, NOTHING_LEFT


def of_contact(account: Account, ended: str, counters: Counters) -> SyncReport:
    """One contact that is over."""
    metered = account.metered
    return SyncReport(
        link=account.link,
        ended=ended,
        complete=ended is NOTHING_LEFT,
        seconds=round(account.lasted_s, 3),
        bundles_sent=counters.bundles_sent,
        bundles_received=counters.bundles_received,
        bytes_up=metered.bytes_up if metered else 0,
        bytes_down=metered.bytes_down if metered else 0,
        payload_up=counters.payload_bytes_sent,
        payload_down=counters.payload_bytes_received,
        bytes_received_twice=counters.duplicate_bytes_received,
        usd=account.usd,
        failed=ended not in (NOTHING_LEFT, ALLOWANCE_SPENT),
    )


def link_taken_away(hub: str) -> SyncReport:
    """While somebody waited for that hub, its last link was removed, or the hub was left."""
    return replace(nothing_dialled("", ()), ended=f"no link leads to {hub} any more")


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


def of_hubs(reports: Sequence[tuple[str, SyncReport]]) -> SyncReport:
    """What was done with several hubs, each with its name where there are several: the sums, and how those
    ended that did not do all."""
    if len(reports) == 1:
        return reports[0][1]
    unfinished = [f"{name}: {each.ended}" for name, each in reports if not each.complete]
    return replace(
        together([each for _, each in reports]),
        ended="; ".join(unfinished) or reports[-1][1].ended,
        complete=not unfinished,
        held=tuple(f"{name}: {sentence}" for name, each in reports for sentence in each.held),
        failed=any(each.failed for _, each in reports),
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
