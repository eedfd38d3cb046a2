"""The peer's bundles in memory: partial, whole, settled by the application, backed up, given back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from protocol.ids import BundleId, Incarnation, seal_tag_of
from protocol.limits import RANGES_MAX
from protocol.past import fork_of
from protocol.ranges import RangeSet
from protocol.summary import digest

from ..ports import (
    BACKUP_MOMENTS_MAX,
    PARTIALS_MAX,
    STREAMS_MAX,
    ChunkOutcome,
    ForeignNumbers,
    IncomingChunk,
    Moment,
    Offer,
    PartialBundle,
    ReceivedBundle,
    ReceivedStream,
    SafeMark,
    ToReturn,
)
from .memory_state import MemoryState, Partial, Whole


class MemoryReceived:
    """The receiving side of a `MemoryState`; the reference for `Incoming`, `Arrivals` and `backups`."""

    def __init__(self, state: MemoryState, received_bytes_max: int) -> None:
        self._state = state
        self._received_bytes_max = received_bytes_max

    # What is there.

    def streams(self) -> tuple[ReceivedStream, ...]:
        """What is held of each incarnation of the peer's, latest heard first."""
        latest_first = [each for each in reversed(self._state.streams.items()) if each[1]][:STREAMS_MAX]
        return tuple(
            ReceivedStream(
                incarnation=life,
                held=RangeSet.of_numbers(stream),
                digest=digest(stream.values()),
            )
            for life, stream in latest_first
        )

    def partials(self) -> tuple[PartialBundle, ...]:
        """Bundles of which some bytes are here."""
        return tuple(
            PartialBundle(offer=each.offer, held=each.held) for each in self._state.partials.values()
        )

    def digest(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """The digest of what is held of one incarnation in these ranges of numbers."""
        stream = self._state.streams.get(incarnation, {})
        return digest(bundle_id for number, bundle_id in stream.items() if number in sequences)

    def after(self, row: int, limit: int) -> tuple[ReceivedBundle, ...]:
        """Whole bundles not taken yet, in order of arrival."""
        waiting = (
            ReceivedBundle(row=number, offer=whole.offer, sealed=whole.sealed)
            for number, whole in self._state.whole.items()
            if number > row and not whole.taken and not whole.quarantine
        )
        return tuple(bundle for bundle, _ in zip(waiting, range(limit), strict=False))

    def safe(self) -> tuple[SafeMark, ...]:
        """What a session may tell the peer."""
        latest_first = [life for life in reversed(self._state.streams) if self._state.safe.get(life)]
        return tuple(
            SafeMark(incarnation=life, sequences=self._state.safe[life])
            for life in latest_first[:STREAMS_MAX]
        )

    def to_return(self, limit: int) -> tuple[ToReturn, ...]:
        """What was promised back and not given yet, most urgent first."""
        waiting = [
            ToReturn(
                row=row,
                incarnation=life,
                sequence=sequence,
                bundle_id=self._state.streams[life][sequence],
            )
            for row, (life, sequence) in self._state.to_return.items()
        ]
        waiting.sort(key=lambda each: (self._whole(each).offer.priority, each.row))
        return tuple(waiting[:limit])

    # What the application says.

    def take(self, row: int) -> None:
        """The application has it."""
        whole = self._state.whole[row]
        if not whole.taken:
            self._settle(whole)
            whole.taken, whole.rekey, whole.sealed = True, None, b""

    def quarantine(self, row: int, reason: str) -> None:
        """It cannot be opened: kept aside with the reason."""
        whole = self._state.whole[row]
        self._settle(whole)
        whole.quarantine = reason

    def ask_rekey(self, row: int, recipient_key: bytes, reason: str) -> None:
        """Kept aside until the peer has sealed it for another key; until then it is not settled."""
        whole = self._state.whole[row]
        if not whole.taken:
            whole.rekey, whole.quarantine, whole.settled = recipient_key, reason, None

    def begin_backup(self, moment: Moment) -> None:
        """Remember what is settled now, under this name."""
        moments = self._state.moments
        moments[moment] = self._state.settled
        for old in list(moments)[:-BACKUP_MOMENTS_MAX]:
            del moments[old]

    def note_backup(self, moment: Moment) -> bool:
        """A copy begun at that moment was verified."""
        settled_max = self._state.moments.get(moment)
        if settled_max is None:
            return False
        for life, stream in self._state.streams.items():
            covered = RangeSet.of(
                (number, number + 1)
                for number, bundle_id in stream.items()
                if self._is_covered(bundle_id, settled_max)
            )
            known = self._state.safe.get(life, RangeSet()) | covered
            self._state.safe[life] = RangeSet(known.spans[:RANGES_MAX])
        return True

    def note_return(self, incarnation: Incarnation, sequences: RangeSet) -> int:
        """Each of these that is held is given back once; how many are new."""
        held = self._state.streams.get(incarnation, {})
        new = [
            (incarnation, sequence)
            for sequence in sorted(held)
            if sequence in sequences and (incarnation, sequence) not in self._state.owed
        ]
        for number in new:
            self._state.return_max += 1
            self._state.owed[number] = self._state.return_max
            self._state.to_return[self._state.return_max] = number
        return len(new)

    def owed(self) -> tuple[ForeignNumbers, ...]:
        """What was promised back, given or not."""
        lives = dict.fromkeys(life for life, _ in self._state.owed)
        return tuple(
            ForeignNumbers(
                incarnation=life,
                sequences=RangeSet.of(
                    (number, number + 1) for owed, number in self._state.owed if owed == life
                ),
            )
            for life in lives
        )

    def mark_returned(self, rows: Sequence[int]) -> None:
        """These are given back, or cannot be."""
        for row in rows:
            self._state.to_return.pop(row, None)

    # One incoming chunk.

    def persist(self, chunk: IncomingChunk) -> ChunkOutcome:
        """Keep it, as `PairStore.persist` says."""
        offer, state = chunk.offer, self._state
        if self._is_whole(offer):
            return self._hold(offer)
        partial = self._partial(offer)
        if partial is None:
            return ChunkOutcome.NO_ROOM
        end = chunk.offset + len(chunk.data)
        partial.data[chunk.offset : end] = chunk.data
        partial.held = partial.held.add(chunk.offset, end)
        if not partial.held.covers(offer.size_bytes):
            return ChunkOutcome.PARTIAL
        del state.partials[offer.bundle_id]
        sealed = bytes(partial.data)
        if seal_tag_of(sealed) != offer.seal_tag:
            return ChunkOutcome.CORRUPT
        state.whole.pop(state.rows.get(offer.bundle_id, 0), None)  # The bytes that did not open.
        state.row_max += 1
        state.whole[state.row_max] = Whole(offer, sealed)
        state.rows[offer.bundle_id] = state.row_max
        return self._hold(offer)

    def _is_whole(self, offer: Offer) -> bool:
        """Whether this bundle needs no more bytes; one that waits for a new seal needs those of the new."""
        row = self._state.rows.get(offer.bundle_id)
        if row is None:
            return False
        whole = self._state.whole[row]
        if whole.rekey is not None and whole.offer.seal_tag != offer.seal_tag:
            return False
        # The peer knows it under this number now: should it not open, that is the one to ask about.
        whole.offer = replace(whole.offer, incarnation=offer.incarnation, sequence=offer.sequence)
        return True

    def _partial(self, offer: Offer) -> Partial | None:
        """The bytes so far of this very sealing, under the number it has now; begun if there is room."""
        partials = self._state.partials
        partial = partials.get(offer.bundle_id)
        if partial is not None and partial.offer.seal_tag == offer.seal_tag:
            partial.offer = replace(partial.offer, incarnation=offer.incarnation, sequence=offer.sequence)
            return partial
        partials.pop(offer.bundle_id, None)
        if (
            len(partials) >= PARTIALS_MAX
            or self._waiting_bytes() + offer.size_bytes > self._received_bytes_max
        ):
            return None
        partials[offer.bundle_id] = Partial(offer, bytearray(offer.size_bytes))
        return partials[offer.bundle_id]

    def _hold(self, offer: Offer) -> ChunkOutcome:
        """Count the number as held by its first id; another id under it is a fork, held in its own name."""
        self._hear(offer.incarnation)
        first = self._state.streams[offer.incarnation].setdefault(offer.sequence, offer.bundle_id)
        if first == offer.bundle_id:
            self._forget_fork(offer.bundle_id)
            return ChunkOutcome.STORED
        fork = fork_of(offer.incarnation)
        if fork not in self._state.streams:
            self._state.streams = {fork: {}, **self._state.streams}  # Nothing is ever heard of it.
        if offer.bundle_id not in self._state.streams[fork].values():
            number = self._state.forks[fork] = self._state.forks.get(fork, 0) + 1
            self._state.streams[fork][number] = offer.bundle_id
        return ChunkOutcome.FORKED

    def _hear(self, life: Incarnation) -> None:
        """Make it the stream heard last."""
        self._state.streams[life] = self._state.streams.pop(life, {})

    def _forget_fork(self, bundle_id: BundleId) -> None:
        """It has come under a number of its own."""
        for life in self._state.forks:
            stream = self._state.streams[life]
            for number in [number for number, held in stream.items() if held == bundle_id]:
                del stream[number]
                self._state.to_return.pop(self._state.owed.pop((life, number), 0), None)
                safe = self._state.safe.get(life, RangeSet())
                self._state.safe[life] = safe - RangeSet(((number, number + 1),))

    # What the rows say.

    def _waiting_bytes(self) -> int:
        whole = sum(len(whole.sealed) for whole in self._state.whole.values())
        return whole + sum(len(partial.data) for partial in self._state.partials.values())

    def _settle(self, whole: Whole) -> None:
        self._state.settled += 1
        if whole.settled is None and whole.rekey is None:
            whole.settled = self._state.settled

    def _is_covered(self, bundle_id: BundleId, settled_max: int) -> bool:
        settled = self._state.whole[self._state.rows[bundle_id]].settled
        return settled is not None and settled <= settled_max

    def _whole(self, promised: ToReturn) -> Whole:
        return self._state.whole[self._state.rows[promised.bundle_id]]
