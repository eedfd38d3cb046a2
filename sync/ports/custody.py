"""Custody of one pair, from both sides: what a session asks of it, and what the application does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet

from .bundles import (
    AskedRekey,
    ChunkOutcome,
    IncomingChunk,
    Moment,
    Offer,
    OutgoingBundle,
    Rank,
    ReceivedBundle,
    SafeMark,
    SessionView,
    Settlement,
    ToReturn,
    UnopenedBundle,
)


class PairStore(Protocol):
    """Custody for one pair (this node or hub, and one peer). Every method is atomic, durable on return unless
    it says otherwise, and safe to repeat."""

    async def open_session(self) -> SessionView:
        """A fresh view with a higher generation than any before."""

    async def outgoing(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        """Pending bundles of the current incarnation whose numbers are not in `beside`, most urgent first
        by (priority, rank, sequence), at most `OUTGOING_PAGE` of them."""

    async def read(self, sequence: int, offset: int, size_bytes: int) -> bytes:
        """Sealed bytes of an outgoing bundle; b"" if it is no longer in custody."""

    async def persist(self, chunks: Sequence[IncomingChunk]) -> tuple[ChunkOutcome, ...]:
        """Keep chunks in one durable transaction; one outcome each. Overlaps and repeats are harmless.

        An empty chunk only announces its offer. If a bundle with the offered id is whole here already,
        whatever its number or seal, the outcome is STORED and the offered number is held from now on; bytes
        are dropped, the application gets the bundle once. A chunk under another seal tag than the partial we
        hold voids that partial. Beyond `PARTIALS_MAX` unfinished bundles the outcome is NO_ROOM.

        A bundle that waits to be sealed again (`Custody.ask_rekey`) counts as whole under its old seal alone:
        under another one it is taken once more, replaces the unopened bytes and goes to the application.
        """

    async def mark_receipted(self, sequence: int, held: RangeSet) -> None:
        """The peer's progress report replaces the one before; an empty set notes that sending has begun.

        Need not survive power loss, but must survive the death of the process.
        """

    async def mark_stored(self, sequences: RangeSet) -> None:
        """The peer durably holds these of our current incarnation: they leave the pending set. Numbers never
        given out are passed over."""

    async def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer turned out not to hold these of our numbers although it once did: they are pending again,
        with nothing receipted and no longer safe; those of a former incarnation get new numbers in the
        current one. One whose bytes were pruned waits in `Custody.without_bytes` first."""

    async def mark_safe(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer has a verified backup of our bundles with these numbers: those that are stored there are
        safe from now on. An unknown incarnation and numbers not stored are passed over."""

    async def safe(self) -> tuple[SafeMark, ...]:
        """Which of the peer's bundles are in a verified backup here: for each incarnation of which any is,
        latest heard first, at most `STREAMS_MAX`."""

    async def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """`protocol.summary.digest` over our own ids with these numbers of one of our incarnations; unknown
        numbers count as nothing."""

    async def received_digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """The same over the peer's bundles that we hold whole."""

    async def renew_incarnation(self, reason: str) -> SessionView:
        """Draw a new incarnation, number everything pending anew from 1 in the old order, with nothing
        receipted, and keep `reason` for the operator. The view keeps the generation of the open session."""

    async def note_refusal(self, sequence: int, reason: str) -> None:
        """The peer will not take this bundle as sealed (quarantine, unknown key): it stays pending and is
        offered again in the next session; the reason is kept for people."""

    async def unopened(self) -> tuple[UnopenedBundle, ...]:
        """Bundles of the peer's that wait to be sealed again, oldest first, at most `REKEYS_MAX`."""

    async def note_rekey(self, incarnation: Incarnation, sequence: int, recipient_key: bytes) -> None:
        """The peer cannot open this bundle of ours: `Custody.rekeys` has it until it is sealed again.

        A number that is not ours, or whose bundle was sealed again since, changes nothing; nor does one that
        was sealed again `RESEALS_MAX` times."""

    async def note_foreign(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer holds bundles under these numbers of ours that are not known here: to be asked for in each
        session (`SessionView.foreign`) until promised, also if the incarnation itself is unknown.

        Call it before `renew_incarnation`. Of each incarnation the lowest `RANGES_MAX` ranges stay, of the
        incarnations the `STREAMS_MAX` noted last."""

    async def mark_promised(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer has durably noted that it will give these back: they are no news any more, and are kept
        in `SessionView.promised`, so that a peer that may have forgotten is asked again. Of each incarnation
        the lowest `RANGES_MAX` ranges stay, of the incarnations the `STREAMS_MAX` promised last."""

    async def note_settled(self, settlement: Settlement) -> None:
        """Both sides agree on all former lives: in `SessionView.settlement` until a new incarnation begins,
        something of a former one is lost, or something foreign is noted or promised."""

    async def note_return(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """The peer asks for what its bundles with these numbers brought: each that is held here and was not
        asked for before is in `Custody.to_return` from now on; how many these are. Durable on return, so that
        it may be promised; wakes `wait_outgoing`."""

    async def wait_outgoing(self) -> None:
        """Returns when a bundle may have been added, one have turned out not to open, one have been asked
        back, or a backup have been noted since the last call; may return spuriously."""


class Custody(Protocol):
    """The application's side of the same pair: what goes in to be sent, what came out whole. Every method is
    atomic, durable on return and safe to repeat."""

    async def add(
        self,
        *,
        bundle_id: BundleId,
        priority: Priority,
        rank: Rank,
        recipient_key: bytes,
        dwell_code: int,
        sealed: bytes,
    ) -> Offer:
        """Take a sealed bundle into custody under the next number; wakes `PairStore.wait_outgoing`.

        A `bundle_id` already in custody changes nothing and returns the offer it has."""

    async def received_after(self, row: int, limit: int) -> tuple[ReceivedBundle, ...]:
        """Whole bundles neither taken nor quarantined with a row above `row`, in order of arrival."""

    async def take(self, row: int) -> None:
        """The application has made the bundle's content its own, durably: the sealed bytes may be dropped.
        The bundle stays held, so that it is never fetched or delivered again."""

    async def quarantine(self, row: int, reason: str) -> None:
        """The bundle cannot be opened: its bytes and the reason are kept aside, it stays held and it stops
        nothing."""

    async def ask_rekey(self, row: int, recipient_key: bytes, reason: str) -> None:
        """The bundle cannot be opened because of its key: kept aside as by `quarantine`, and the peer is
        asked to seal it again for `recipient_key`; wakes `PairStore.wait_outgoing`.

        Once the new seal is whole it is delivered as if it had just come, and the old bytes are dropped.
        Asking again changes the key; a bundle that was taken is asked for no more."""

    async def rekeys(self) -> tuple[AskedRekey, ...]:
        """Bundles of ours that the peer wants sealed again, most urgent first, at most `REKEYS_MAX`."""

    async def reseal(self, *, bundle_id: BundleId, recipient_key: bytes, sealed: bytes) -> Offer | None:
        """New bytes for a bundle that `rekeys` names, under the next number; wakes
        `PairStore.wait_outgoing`. Its old number stays with the peer and still counts in digests. None, and
        nothing changed, for a bundle that nobody asked for."""

    async def without_bytes(self, limit: int) -> tuple[BundleId, ...]:
        """Bundles of ours that the peer lacks and whose sealed bytes are gone here, pruned or damaged: most
        urgent first. They go out once they were sealed again and given to `add` under the same id."""

    async def to_return(self, limit: int) -> tuple[ToReturn, ...]:
        """Bundles of the peer's whose content it was promised back, most urgent first."""

    async def mark_returned(self, rows: Sequence[int]) -> None:
        """What these `ToReturn` rows stand for is in custody as bundles of ours, or cannot be given back."""

    async def begin_backup(self) -> Moment:
        """The present moment. What the application has taken or put aside by now is in every copy of the
        store, and of what the application keeps, that is begun after this has returned.

        Of moments not noted yet, the latest `BACKUP_MOMENTS_MAX` are remembered."""

    async def note_backup(self, moment: Moment) -> bool:
        """A copy that was begun after this moment has been verified: what it covers is safe. False, and
        nothing changed, for a moment that is not of this store's history, as after the restoring of a copy
        that is older. Wakes `PairStore.wait_outgoing`."""

    async def date_receipts(self, *, since_s: float, now_s: float) -> None:
        """What the peer was heard to hold before `since_s` or after `now_s`, by the wall clock, was dated by
        one that was not set: it counts as heard of at `now_s`."""

    async def prune(self, *, stored_before_s: float, keep_newest: int) -> int:
        """Drop the sealed bytes of those of our bundles that are safe, that the peer was known to hold before
        that moment of the wall clock, and that are not among the newest `keep_newest`; how many those were.
        Ids, numbers and digests stay."""
