"""What waits for a hub, by class, without what a good contact has just left behind: a hub that will not take
a bundle must not be dialled for it again and again."""

from __future__ import annotations

from collections.abc import Mapping

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from protocol.ranges import RangeSet
from sync.ports import OutgoingBundle
from sync.scheduler import Backlog

from .contact import Pair


class BacklogWatch:
    """Reads custody; remembers what came while a contact was under way."""

    def __init__(self) -> None:
        self._came_meanwhile: dict[Pseudonym, set[BundleId]] = {}
        """Since the contact under way with each hub began."""
        self._left_behind: dict[Pseudonym, frozenset[BundleId]] = {}

    def added(self, bundle_id: BundleId) -> None:
        """Custody has something new, or the same under a new seal."""
        for came in self._came_meanwhile.values():
            came.add(bundle_id)
        self._left_behind = {pair: left - {bundle_id} for pair, left in self._left_behind.items()}

    def contact_begins(self, pair: Pseudonym) -> None:
        """It takes along what is there now."""
        self._came_meanwhile[pair] = set()

    async def contact_is_done(self, pair: Pair, floor: Priority) -> None:
        """It had nothing left to do: what it did not get rid of goes along with the next look."""
        pending = await pair.store.outgoing(RangeSet())
        offered = {each.offer.bundle_id for each in pending if each.offer.priority <= floor}
        came = self._came_meanwhile.get(pair.pseudonym, set())
        self._left_behind[pair.pseudonym] = frozenset(offered - came)

    def forget(self) -> None:
        """Other links may fare better."""
        self._left_behind.clear()

    async def waiting(
        self, pair: Pair, *, refused: frozenset[BundleId] = frozenset()
    ) -> Mapping[Priority, Backlog]:
        """As much as custody hands out at once: enough to choose a link by. `refused`: by the hub, in the
        contact under way."""
        waiting: dict[Priority, Backlog] = {}
        left_out = self._left_behind.get(pair.pseudonym, frozenset()) | refused
        for bundle in await pair.store.outgoing(RangeSet()):
            if bundle.offer.bundle_id not in left_out:
                before = waiting.get(bundle.offer.priority, Backlog())
                waiting[bundle.offer.priority] = Backlog(
                    before.bundles + 1, before.size_bytes + _left_bytes(bundle)
                )
        return waiting


def _left_bytes(bundle: OutgoingBundle) -> int:
    receipted = len(bundle.receipted) if bundle.receipted is not None else 0
    return max(0, bundle.offer.size_bytes - receipted)
