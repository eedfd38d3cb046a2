"""Our bundles in memory: numbered, waiting for the peer, stored and safe there, lost, pruned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from protocol.ids import BundleId, Incarnation, seal_tag_of
from protocol.ranges import RangeSet
from protocol.summary import digest

from ..ports import OUTGOING_PAGE, RESEALS_MAX, STREAMS_MAX, Offer, OutgoingBundle, SentStream
from .memory_state import MemoryState, Sent
from .sent_values import NewBundle


class MemorySent:
    """The sending side of a `MemoryState`; the reference for `Outgoing` and `Despatch`."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._own: dict[Incarnation, list[tuple[int, Sent]]] = {}
        self._own_of = 0
        """Numbers that there were when those were listed. None is ever taken away, and whoever puts another
        bundle under one gives out a new one too."""

    # What is there.

    def own(self, incarnation: Incarnation) -> Sequence[tuple[int, Sent]]:
        """Numbers of one incarnation, in order, given-up ones too."""
        sent = self._state.sent
        if self._own_of != len(sent):
            self._own, self._own_of = {}, len(sent)
        if incarnation not in self._own:
            self._own[incarnation] = [
                (number, each) for (life, number), each in sent.items() if life == incarnation
            ]
        return self._own[incarnation]

    def all(self) -> Sequence[Sent]:
        """Every bundle ever added, under its latest number."""
        return [sent for sent in self._state.sent.values() if not sent.given_up]

    def of(self, bundle_id: BundleId) -> Sent | None:
        """One of ours under the number it has now."""
        return next((sent for sent in self.all() if sent.offer.bundle_id == bundle_id), None)

    def at(self, sequence: int) -> Sent | None:
        """One of ours by its number in the current incarnation."""
        sent = self._state.sent.get((self._state.incarnation, sequence))
        return None if sent is None or sent.given_up else sent

    def pending(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        """The most urgent page of what the peer lacks."""
        waiting = [sent for sent in self._lacked() if sent.has_bytes and sent.offer.sequence not in beside]
        waiting.sort(key=lambda sent: sent.urgency)
        return tuple(
            OutgoingBundle(offer=sent.offer, rank=sent.rank, receipted=sent.receipted)
            for sent in waiting[:OUTGOING_PAGE]
        )

    def stored(self, incarnation: Incarnation) -> RangeSet:
        """Numbers of one incarnation that the peer holds."""
        return RangeSet.of_numbers(number for number, sent in self.own(incarnation) if sent.stored)

    def former(self) -> tuple[SentStream, ...]:
        """Former incarnations in which there are numbers, newest first."""
        former = (
            SentStream(incarnation=life, stored=self.stored(life), sequence_max=sequence_max)
            for life, sequence_max in reversed(self._state.lives.items())
            if sequence_max
        )
        return tuple(former)[:STREAMS_MAX]

    def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """The digest of our bundles with these numbers."""
        return digest(sent.offer.bundle_id for number, sent in self.own(incarnation) if number in sequences)

    def without_bytes(self, limit: int) -> tuple[BundleId, ...]:
        """What the peer lacks and cannot be sent."""
        bare = sorted(
            (sent for sent in self.all() if not sent.stored and not sent.has_bytes),
            key=lambda sent: sent.urgency,
        )
        return tuple(sent.offer.bundle_id for sent in bare[:limit])

    # What changes.

    def add(self, new: NewBundle) -> Offer:
        """Number and keep it; a known one keeps its number, and its bytes unless they are gone."""
        known = self.of(new.bundle_id)
        if known is None:
            return self._insert(new)
        if not known.has_bytes and not known.stored:
            self._refill(known, new.recipient_key, new.sealed)
        return known.offer

    def reseal(self, bundle_id: BundleId, recipient_key: bytes, sealed: bytes) -> Offer | None:
        """Other bytes under the next number; the old number stays counted."""
        old = self.of(bundle_id)
        if old is None or old.rekey is None:
            return None
        incarnation, sequence = self._next_number()
        fresh = Sent(
            replace(old.offer, incarnation=incarnation, sequence=sequence),
            old.rank,
            b"",
            old.added,
            reseals=old.reseals + 1,
        )
        self._refill(fresh, recipient_key, sealed)
        self._state.sent[incarnation, sequence] = fresh
        old.rekey, old.given_up, old.sealed = None, True, b""
        return fresh.offer

    def mark_stored(self, sequences: RangeSet, now_s: float) -> None:
        """The peer holds these of the current incarnation."""
        for sequence, sent in self.own(self._state.incarnation):
            if sequence in sequences and not sent.stored:
                sent.stored_s = now_s

    def mark_safe(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer has these in a verified backup."""
        for sequence, sent in self.own(incarnation):
            if sequence in sequences and sent.stored and sent.rekey is None:
                sent.safe = True

    def mark_lost(self, incarnation: Incarnation, sequences: RangeSet) -> None:
        """The peer holds these no longer: pending again, under new numbers if their life is over."""
        if incarnation != self._state.incarnation:
            self._state.settlement = None
        for sequence, sent in self.own(incarnation):
            if sequence in sequences and sent.stored:
                sent.stored_s, sent.receipted, sent.rekey, sent.safe = None, None, None, False
                if incarnation != self._state.incarnation and not sent.given_up:
                    self._renumber(sent)

    def note_rekey(self, incarnation: Incarnation, sequence: int, recipient_key: bytes) -> None:
        """The peer cannot open it: to be sealed again, unless that was done often enough."""
        sent = self._state.sent.get((incarnation, sequence))
        if sent is not None and not sent.given_up and sent.reseals < RESEALS_MAX:
            sent.rekey, sent.safe = recipient_key, False

    def renew(self, incarnation: Incarnation) -> None:
        """Begin a new life in which everything that is not stored is numbered anew, in the old order."""
        lacked = self._lacked()
        self._state.settlement = None
        self._state.lives[self._state.incarnation] = self._state.sequence_max
        self._state.incarnation = incarnation
        self._state.sequence_max = 0
        for sent in lacked:
            self._renumber(sent)

    def date_receipts(self, since_s: float, now_s: float) -> None:
        """What was stored at the peer by a clock that was not set was stored now."""
        for sent in self.all():
            if sent.stored_s is not None and not since_s <= sent.stored_s <= now_s:
                sent.stored_s = now_s

    def prune(self, stored_before_s: float, keep_newest: int) -> int:
        """Drop the bytes of what is safe and old; how many bundles that were."""
        by_age = sorted(self.all(), key=lambda sent: sent.added)
        old = [
            sent
            for sent in by_age[: max(0, len(by_age) - keep_newest)]
            if sent.safe and sent.has_bytes and (sent.stored_s or 0) < stored_before_s
        ]
        for sent in old:
            sent.sealed, sent.has_bytes = b"", False
        return len(old)

    # Numbers.

    def _lacked(self) -> list[Sent]:
        own = self.own(self._state.incarnation)
        return [sent for _, sent in own if not sent.stored and not sent.given_up]

    def _insert(self, new: NewBundle) -> Offer:
        incarnation, sequence = self._next_number()
        self._state.added += 1
        offer = Offer(
            incarnation=incarnation,
            sequence=sequence,
            bundle_id=new.bundle_id,
            seal_tag=seal_tag_of(new.sealed),
            priority=new.priority,
            dwell_code=new.dwell_code,
            recipient_key=new.recipient_key,
            size_bytes=len(new.sealed),
        )
        self._state.sent[incarnation, sequence] = Sent(offer, new.rank, new.sealed, self._state.added)
        return offer

    def _refill(self, sent: Sent, recipient_key: bytes, sealed: bytes) -> None:
        sent.sealed, sent.has_bytes, sent.receipted, sent.refusal = sealed, True, None, ""
        sent.offer = replace(
            sent.offer,
            recipient_key=recipient_key,
            seal_tag=seal_tag_of(sealed),
            size_bytes=len(sealed),
        )

    def _renumber(self, sent: Sent) -> None:
        """The peer may hold, or come to hold again, what was sent under the old number: it stays counted."""
        old = sent.offer.incarnation, sent.offer.sequence
        self._state.sent[old] = replace(sent, given_up=True, sealed=b"")
        incarnation, sequence = self._next_number()
        sent.receipted = None
        sent.offer = replace(sent.offer, incarnation=incarnation, sequence=sequence)
        self._state.sent[incarnation, sequence] = sent

    def _next_number(self) -> tuple[Incarnation, int]:
        self._state.sequence_max += 1
        return self._state.incarnation, self._state.sequence_max
