"""What the casebook hands over to be sealed and sent, and what it asks of those who carry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from protocol.bundle import BundleContent
from protocol.header import Priority
from protocol.ids import BundleId, CaseId, Mailbox
from sync.ports import Rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One bundle's content that waits to be sealed; `row` grows and is never used twice."""

    row: int
    case_id: CaseId
    hub: Mailbox
    """Whom it is for."""
    what: str
    """For people: "headline", "text", "preview: paper ECG", "order 2 done"."""
    priority: Priority
    rank: Rank
    size_bytes: int
    """Sealed size, header not counted; exact before sealing."""
    content: BundleContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One bundle that left a draft: queued, and sealed once `bundle_id` is there."""

    row: int
    case_id: CaseId
    hub: Mailbox
    """Whom it is for."""
    what: str
    priority: Priority
    rank: Rank
    size_bytes: int
    queued_s: int
    bundle_id: BundleId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one sealed bundle has come."""

    done_bytes: int
    """Durable at the hub."""
    state: str
    """"waiting for link", "no link to NAME", "held back", "going", "stored at hub", "refused: …"."""
    size_bytes: int | None = None
    """As it was sealed, where that is known."""
    stored_s: int | None = None
    eta_s: float | None = None
    usd: float | None = None
    arrival: str | None = None
    """When it is likely at the hub, as it was told when it was queued."""


STORED_AT_HUB = "stored at hub"
UNOPENED_AT_HUB = "at the hub, cannot be opened there: being sealed again"
WAITING_FOR_LINK = "waiting for link"
HELD_BACK = "held back"
"""By the floor or cap of every link; status says which, and how to lift it."""
GOING = "going"
NO_LINK = "no link to "
"""And the hub's name: nothing leads there, so nothing is on its way."""
LEFT = "not sent, this site has left "
"""And the hub's name."""


class Carriage(Protocol):
    """Whoever has custody of sealed bundles (the spool)."""

    async def progress(self, bundle_ids: Sequence[BundleId]) -> Mapping[BundleId, Progress]:
        """What is known of these bundles; those not in custody are left out. Reads only."""


class NothingCarried:
    """A carriage that has taken nothing yet: for a node without a hub."""

    async def progress(self, bundle_ids: Sequence[BundleId]) -> Mapping[BundleId, Progress]:
        return {}
