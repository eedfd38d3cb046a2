"""One end of a pair's letters over one medium: what to write when, and what a letter that came means.

There is no session. Each letter says what its writer holds, and brings what is most urgent of what the reader
is not known to hold. The one who waits for word asks for it in its last letter; the answer is a letter too.
Laws: nothing is written where nothing is to be said; each letter is chosen when the medium takes it, never
before; a copy, an old letter and one that was overtaken change nothing that a newer one has said.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from protocol.frames import Data, Whole
from protocol.frames import Offer as OfferFrame
from protocol.header import Priority
from protocol.ids import Incarnation, Pseudonym, SealTag, seal_tag_of
from protocol.letters import (
    PARTIALS_MAX,
    SALT_BYTES,
    SEAL_BYTES,
    Head,
    LetterFrame,
    Way,
    decode_letter,
    encode_letter,
    open_letter,
    salt_of,
    seal_letter,
)
from protocol.ranges import RangeSet

from ..ports import (
    OUTGOING_PAGE,
    ChunkOutcome,
    IncomingChunk,
    Offer,
    OutgoingBundle,
    PairStore,
    SessionView,
)
from .belief import Believed, believe
from .head import heard_of
from .packing import Packing
from .terms import PAID_BUNDLE_BYTES_MAX, LetterMemory, LetterTerms
from .underway import UnderWay

PAGES_MAX: Final = 64
"""Of custody, looked through for something that goes by letters, behind photographs that do not."""
SALTS_MAX: Final = 256
"""Letters by which copies are told; an older copy is read again, and changes nothing."""
_OTHER_WAY: Final = {Way.FROM_SITE: Way.FROM_HUB, Way.FROM_HUB: Way.FROM_SITE}


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWritten:
    """A letter for the medium, to be handed over at once."""

    data: bytes
    offers: tuple[Offer, ...]
    """Bundles of which bytes stand in it, most urgent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRead:
    """What a letter has brought."""

    is_copy: bool = False
    received: tuple[Offer, ...] = ()
    """Bundles that are whole and durable now."""
    believed: Believed | None = None
    """What its writer said of ours, where that was newer than all before."""


class Correspondence:
    """Letters of one pair over one medium; one call at a time, and none while a session of the pair lives."""

    def __init__(
        self,
        store: PairStore,
        terms: LetterTerms,
        *,
        secret: bytes,
        pair: Pseudonym,
        way: Way,
        new_salt: Callable[[int], bytes],
        memory: LetterMemory | None = None,
    ) -> None:
        self._store = store
        self._terms = terms
        self._secret = secret
        self._pair = pair
        self._way = way
        self._new_salt = new_salt
        self._under_way = UnderWay(terms)
        self._salts: OrderedDict[bytes, None] = OrderedDict()
        self._newest: deque[int] = deque(maxlen=PARTIALS_MAX)
        """Numbers of the peer's bundles that came last, the last one first."""
        self._answer_due_s = math.inf
        self._asked_number = 0
        """The highest letter of the peer's that asked."""
        memory = memory or LetterMemory()
        self._remembers = memory.number > 0
        self._life: Incarnation | None = None
        """Ours, in which what is under way is numbered."""
        self._number = memory.number
        self._base = memory.base
        self._heard_number, self._heard_life = memory.heard_number, memory.heard_life
        self._believed = memory.believed
        self._peer_floor = memory.peer_floor

    @property
    def memory(self) -> LetterMemory:
        """For the next life of the program."""
        return LetterMemory(
            number=self._number,
            base=self._base,
            heard_number=self._heard_number,
            heard_life=self._heard_life,
            peer_floor=self._peer_floor,
            believed=self._believed,
        )

    @property
    def letter_bytes_max(self) -> int:
        """The longest that `write` gives."""
        return self._terms.letter_bytes_max

    @property
    def under_way(self) -> RangeSet:
        """Numbers of the bundles that were written and not heard of; custody still holds them as pending."""
        return self._under_way.numbers

    def deadline(self) -> float:
        """When to call `write` or `give_up` although nothing has happened; infinity if never."""
        return min(self._answer_due_s, self._under_way.deadline_s)

    def give_up(self, now: float) -> bool:
        """What no answer tells of in time is in doubt, and goes again; whether the peer was silent
        altogether since the last letter."""
        return self._under_way.give_up(now)

    # Writing.

    def owes_answer(self, now: float) -> bool:
        """Whether the peer has asked, and it is time to answer."""
        return now >= self._answer_due_s

    async def write(self, now: float, floor: Priority | None = Priority.BULK) -> LetterWritten | None:
        """The next letter, None if there is nothing to say. Whoever pays may narrow the floor for this one:
        None lets only an answer go that is due.

        A hub writes of its own accord only where a letter of the site has shown that the medium exists."""
        is_due = self.owes_answer(now)
        floor = None if floor is None else self._floor(floor)
        if floor is not None and self._under_way.room_letters <= 0:
            floor = Priority.EMERGENCY if self._under_way.has_room_for_emergencies else None
        bundles = [] if floor is None else await self._to_write(floor)
        return await self._letter(bundles, now, is_due=is_due) if bundles or is_due else None

    async def _to_write(self, floor: Priority) -> list[OutgoingBundle]:
        """The most urgent page of what may go and is in no letter, past what waits for another link."""
        beside = RangeSet()
        for _ in range(PAGES_MAX):
            page = await self._store.outgoing(beside)
            able = [
                each
                for each in page
                if each.offer.priority <= floor
                and self.is_worth_it(each.offer.size_bytes)
                and self._under_way.todo(each.offer).spans
            ]
            if able or len(page) < OUTGOING_PAGE:
                return able
            beside |= RangeSet.of_numbers(each.offer.sequence for each in page)
        return []

    def _floor(self, narrower: Priority) -> Priority | None:
        """The least urgent class that may go now; None: nothing of our own accord."""
        if self._way is Way.FROM_HUB and self._peer_floor is None:
            return None
        wishes = (self._terms.floor, self._peer_floor, narrower)
        return min(each for each in wishes if each is not None)

    def is_worth_it(self, size_bytes: int) -> bool:
        """Whether a bundle of this size goes by letters, and does not wait for another link."""
        return self._terms.is_free or size_bytes <= PAID_BUNDLE_BYTES_MAX

    async def _letter(
        self, bundles: Sequence[OutgoingBundle], now: float, *, is_due: bool
    ) -> LetterWritten | None:
        view = await self._look()
        self._count(view)
        head = Head(
            number=self._number,
            incarnation=view.incarnation,
            floor=self._terms.floor,
            heard=await heard_of(
                self._store,
                view,
                self._heard_number,
                self._heard_life,
                self._newest,
                self._terms.letter_bytes_max,
            ),
        )
        room_bytes = self._terms.letter_bytes_max - SEAL_BYTES - len(encode_letter(head, ()))
        packing = Packing(self._store, self._under_way, head.number, room_bytes)
        is_all = await packing.fill(bundles)
        if not packing.frames and not is_due:
            return None  # All of it has left custody meanwhile, or its bytes are damaged.
        # Of words that were lost on the way one hears before the pictures are through.
        is_last = is_all or self._under_way.room_letters <= 1 or packing.ends_the_words
        asks = bool(packing.frames) and is_last
        self._under_way.posted(head.number, view.stored, now, has_bundles=bool(packing.frames))
        self._answer_due_s = math.inf
        data = self._sealed(replace(head, asks=asks), packing.frames)
        return LetterWritten(data=data, offers=tuple(packing.offers))

    async def _look(self) -> SessionView:
        """What custody holds. A session may have begun a new life, in which numbers mean other bundles."""
        view = await self._store.open_session()
        if view.incarnation != self._life:
            self._life = view.incarnation
            self._under_way.forget()
        return view

    def _count(self, view: SessionView) -> None:
        self._number = max(view.generation, self._number + 1)
        if not self._remembers:
            self._remembers, self._base = True, self._number

    def _sealed(self, head: Head, frames: Sequence[LetterFrame]) -> bytes:
        plaintext = encode_letter(head, frames)
        return seal_letter(self._secret, self._pair, self._way, self._new_salt(SALT_BYTES), plaintext)

    # Reading.

    async def read(self, letter: bytes, now: float) -> LetterRead:
        """A letter came. Raises `ProtocolError` for what the peer did not write; nothing was changed then."""
        head, frames = decode_letter(open_letter(self._secret, _OTHER_WAY[self._way], letter))
        salt = salt_of(letter)
        if salt in self._salts:
            return LetterRead(is_copy=True)
        chunks = _chunks_of(head.incarnation, frames)
        held_before = await self._held() if chunks else {}
        outcomes = await self._store.persist(chunks) if chunks else ()
        self._salts[salt] = None
        while len(self._salts) > SALTS_MAX:
            self._salts.popitem(last=False)
        for chunk in chunks:
            if chunk.offer.sequence in self._newest:
                self._newest.remove(chunk.offer.sequence)
            self._newest.appendleft(chunk.offer.sequence)
        is_late = head.number < self._asked_number
        self._meet(head)
        believed = await self._believe(head, now)
        if head.asks or (is_late and chunks):
            await self._owe_answer(now, outcomes)
        whole = {
            chunk.offer.sequence: chunk.offer
            for chunk, outcome in zip(chunks, outcomes, strict=True)
            if outcome is ChunkOutcome.STORED
            and chunk.offer.sequence not in held_before.get(chunk.offer.incarnation, RangeSet())
        }
        return LetterRead(received=tuple(whole.values()), believed=believed)

    async def _held(self) -> dict[Incarnation, RangeSet]:
        """Numbers that are whole here: what comes again brings nothing."""
        view = await self._store.open_session()
        return {stream.incarnation: stream.held for stream in view.received}

    def _meet(self, head: Head) -> None:
        if head.number > self._heard_number:
            self._heard_number, self._heard_life = head.number, head.incarnation
            self._peer_floor = head.floor
        if head.asks:
            self._asked_number = max(self._asked_number, head.number)

    async def _owe_answer(self, now: float, outcomes: Sequence[ChunkOutcome]) -> None:
        """At once where all that is known of is whole; else what was overtaken may still come."""
        waits = any(each is ChunkOutcome.PARTIAL for each in outcomes)
        due_s = now + self._terms.spread_s if waits else now
        self._answer_due_s = min(self._answer_due_s, due_s)

    async def _believe(self, head: Head, now: float) -> Believed | None:
        heard = head.heard
        if heard is None:
            return None
        if heard.number > self._number:
            # Our store was rolled back: letters of ours are numbered above, and none of those up to here is
            # known to be of this life.
            self._number, self._base = heard.number, heard.number + 1
            return None
        if heard.number < self._base or (heard.number, head.number) <= self._believed:
            return None
        self._believed = heard.number, head.number
        view = await self._look()
        believed = await believe(self._store, view, self._under_way, heard)
        self._under_way.answered(heard.number, now)
        return believed


def _chunks_of(life: Incarnation, frames: Sequence[LetterFrame]) -> list[IncomingChunk]:
    """Bytes with the offers they belong to; those of a handle that was not offered are passed over."""
    offers: dict[int, Offer] = {}
    chunks: list[IncomingChunk] = []
    for frame in frames:
        match frame:
            case OfferFrame():
                offers[frame.handle] = _offer(frame, life, frame.seal_tag, frame.size_bytes)
            case Whole():
                offer = _offer(frame, life, seal_tag_of(frame.data), len(frame.data))
                chunks.append(IncomingChunk(offer=offer, offset=0, data=frame.data))
            case Data():
                named = offers.get(frame.handle)
                if named is not None and frame.offset + len(frame.data) <= named.size_bytes:
                    chunks.append(IncomingChunk(offer=named, offset=frame.offset, data=frame.data))
    return chunks


def _offer(frame: OfferFrame | Whole, life: Incarnation, seal_tag: SealTag, size_bytes: int) -> Offer:
    return Offer(
        incarnation=frame.incarnation or life,
        sequence=frame.sequence,
        bundle_id=frame.bundle_id,
        seal_tag=seal_tag,
        priority=frame.priority,
        dwell_code=frame.dwell_code,
        recipient_key=frame.recipient_key,
        size_bytes=size_bytes,
    )
