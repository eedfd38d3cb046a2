"""Fills one letter with what is most urgent; whatever of a bundle does not fit goes on in the next one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from protocol.frames import Data, Whole
from protocol.frames import Offer as OfferFrame
from protocol.framing import encode_frame
from protocol.ids import seal_tag_of
from protocol.letters import PARTS_MAX, LetterFrame
from protocol.limits import CHUNK_BYTES_MAX
from protocol.ranges import RangeSet

from ..ports import Offer, OutgoingBundle, PairStore, Rank
from .underway import UnderWay

DATA_HEAD_BYTES: Final = 12
"""Type, length, handle and offset before the bytes of a piece, at their longest."""
PIECE_BYTES_MIN: Final = 16
"""A shorter piece is not worth its offer."""


WORDS: Final = frozenset({Rank.HEADLINE, Rank.TEXT})
"""What a specialist can act upon."""


class Packing:
    """One letter being filled."""

    def __init__(self, store: PairStore, under_way: UnderWay, number: int, room_bytes: int) -> None:
        self.frames: list[LetterFrame] = []
        self.offers: list[Offer] = []
        """The bundles that they are of."""
        self.ends_the_words = False
        """All that is written in words is written with this letter, and pictures follow."""
        self._store = store
        self._under_way = under_way
        self._number = number
        self._room_bytes = room_bytes
        self._handles = 0
        self._has_words = False

    async def fill(self, bundles: Sequence[OutgoingBundle]) -> bool:
        """Most urgent first, and none before a more urgent one that does not fit; whether all that is to be
        written of them has been."""
        for bundle in bundles:
            todo = self._under_way.todo(bundle.offer)
            if todo.spans and not await self._put(bundle, todo):
                self.ends_the_words = self._has_words and bundle.rank not in WORDS
                return False
            self._has_words |= bool(todo.spans) and bundle.rank in WORDS
        return True

    async def _put(self, bundle: OutgoingBundle, todo: RangeSet) -> bool:
        offer = bundle.offer
        if len(self.frames) + 2 >= PARTS_MAX or self._room_bytes < DATA_HEAD_BYTES + PIECE_BYTES_MIN:
            return False
        if not self._under_way.is_begun(offer) and offer.size_bytes <= CHUNK_BYTES_MAX:
            data = await self._store.read(offer.sequence, 0, offer.size_bytes)
            if not data:
                return True  # It has left custody.
            if seal_tag_of(data) == offer.seal_tag and self._take(_whole(offer, data)):
                await self._begin(bundle)
                self._under_way.write(offer, (0, offer.size_bytes), self._number)
                return True
        return await self._put_pieces(bundle, todo)

    async def _put_pieces(self, bundle: OutgoingBundle, todo: RangeSet) -> bool:
        offer = bundle.offer
        named = _offered(offer, self._handles + 1)
        room_bytes = self._room_bytes - len(encode_frame(named)) - DATA_HEAD_BYTES
        if room_bytes < min(PIECE_BYTES_MIN, len(todo)) or not self._take(named):
            return False
        self._handles += 1
        await self._begin(bundle)
        for start, end in todo.spans:
            while start < end:
                size_bytes = min(end - start, CHUNK_BYTES_MAX, self._room_bytes - DATA_HEAD_BYTES)
                if size_bytes <= 0 or len(self.frames) >= PARTS_MAX:
                    return False
                data = await self._store.read(offer.sequence, start, size_bytes)
                if not data or not self._take(Data(self._handles, start, data)):
                    return not data
                self._under_way.write(offer, (start, start + len(data)), self._number)
                start += len(data)
        return True

    async def _begin(self, bundle: OutgoingBundle) -> None:
        """Before its first byte leaves: a session of a later process must doubt that it landed."""
        self.offers.append(bundle.offer)
        if bundle.receipted is None:
            await self._store.mark_receipted(bundle.offer.sequence, RangeSet())

    def _take(self, frame: LetterFrame) -> bool:
        size_bytes = len(encode_frame(frame))
        if size_bytes > self._room_bytes:
            return False
        self._room_bytes -= size_bytes
        self.frames.append(frame)
        return True


def _whole(offer: Offer, data: bytes) -> Whole:
    return Whole(
        incarnation=None,
        sequence=offer.sequence,
        bundle_id=offer.bundle_id,
        priority=offer.priority,
        dwell_code=offer.dwell_code,
        recipient_key=offer.recipient_key,
        data=data,
    )


def _offered(offer: Offer, handle: int) -> OfferFrame:
    return OfferFrame(
        handle=handle,
        incarnation=None,
        sequence=offer.sequence,
        bundle_id=offer.bundle_id,
        seal_tag=offer.seal_tag,
        priority=offer.priority,
        dwell_code=offer.dwell_code,
        recipient_key=offer.recipient_key,
        size_bytes=offer.size_bytes,
    )
