"""Two correspondences over a medium that loses, copies, delays and displaces, under a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from protocol.letters import Way
from sync.letters import Correspondence, LetterMemory, LetterTerms
from sync.ports import Offer, Rank
from sync.stores import MemoryStore

from ..core.simulated_contact import new_store
from ..stores.contract import add

SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
STEPS_MAX = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What becomes of letters."""

    lost_share: float = 0.0
    copies_max: int = 1
    delay_s_min: float = 5.0
    delay_s_max: float = 20.0
    interval_s: float = 20.0
    seed: int = 0


def terms_of(
    post: Post, *, letter_bytes_max: int = 340, floor: Priority = Priority.BULK, is_free: bool = False
) -> LetterTerms:
    return LetterTerms(
        letter_bytes_max=letter_bytes_max,
        answer_s=2 * (post.interval_s + post.delay_s_max),
        spread_s=post.delay_s_max - post.delay_s_min,
        floor=floor,
        is_free=is_free,
    )


@dataclass(slots=True, eq=False)
class End:
    """One side."""

    store: MemoryStore
    terms: LetterTerms
    way: Way
    salts: random.Random
    letters: Correspondence = field(init=False)
    written: int = 0
    written_bytes: int = 0
    received: list[BundleId] = field(default_factory=list)
    released: list[BundleId] = field(default_factory=list)
    free_s: float = 0.0

    def __post_init__(self) -> None:
        self.restart(None)

    def restart(self, memory: LetterMemory | None) -> None:
        """The program begins anew, with what was kept."""
        self.letters = Correspondence(
            self.store,
            self.terms,
            secret=SECRET,
            pair=PAIR,
            way=self.way,
            new_salt=self.salts.randbytes,
            memory=memory,
        )

    async def add(
        self, label: str, size_bytes: int, priority: Priority = Priority.ROUTINE, rank: Rank = Rank.TEXT
    ) -> Offer:
        return await add(self.store, label, size_bytes, priority=priority, rank=rank)


class PostOffice:
    """Runs both ends until nothing is left to happen."""

    def __init__(self, post: Post, near: LetterTerms | None = None, far: LetterTerms | None = None) -> None:
        near, far = near or terms_of(post), far or terms_of(post, letter_bytes_max=270)
        self.post = post
        self.now_s = 0.0
        self.site = End(new_store(1), near, Way.FROM_SITE, random.Random(f"site/{post.seed}"))
        self.hub = End(new_store(2), far, Way.FROM_HUB, random.Random(f"hub/{post.seed}"))
        self.keeps: Callable[[End, bytes], bool] = lambda end, letter: True
        """Told of each letter that leaves; whether the medium takes it at all."""
        self._chance = random.Random(post.seed)
        self._under_way: list[tuple[float, int, End, bytes]] = []
        self._order = count()

    @property
    def ends(self) -> tuple[End, End]:
        return self.site, self.hub

    async def run(self, until_s: float = float("inf")) -> None:
        """Whatever is due, in order."""
        for _ in range(STEPS_MAX):
            for end in self.ends:
                await self._write(end)
            next_s = self._next_s()
            if next_s > until_s or next_s == float("inf"):
                self.now_s = max(self.now_s, until_s) if until_s < float("inf") else self.now_s
                return
            self.now_s = max(self.now_s, next_s)
            while self._under_way and self._under_way[0][0] <= self.now_s:
                _, _, end, letter = heappop(self._under_way)
                await self.deliver(end, letter)
            for end in self.ends:
                end.letters.give_up(self.now_s)
        raise AssertionError("the letters do not end")

    async def deliver(self, end: End, letter: bytes) -> None:
        read = await end.letters.read(letter, self.now_s)
        end.received += [offer.bundle_id for offer in read.received]
        if read.believed is not None:
            other = self.hub if end is self.site else self.site
            for offer in read.believed.released:
                assert other.store.holds(offer.bundle_id), "custody passed to nobody"
            end.released += [offer.bundle_id for offer in read.believed.released]

    def _next_s(self) -> float:
        moments = [self._under_way[0][0]] if self._under_way else []
        for end in self.ends:
            due_s = end.letters.deadline()
            if end.free_s > self.now_s:
                moments.append(end.free_s)
                due_s = max(due_s, end.free_s)
            moments.append(due_s)
        return min(moments)

    async def _write(self, end: End) -> None:
        """One letter at a time, whenever the medium is free."""
        while end.free_s <= self.now_s and (written := await end.letters.write(self.now_s)) is not None:
            letter = written.data
            assert len(letter) <= end.terms.letter_bytes_max
            end.written += 1
            end.written_bytes += len(letter)
            end.free_s = self.now_s + self.post.interval_s
            if not self.keeps(end, letter) or self._chance.random() < self.post.lost_share:
                continue
            other = self.hub if end is self.site else self.site
            for _ in range(self._chance.randint(1, self.post.copies_max)):
                delay_s = self._chance.uniform(self.post.delay_s_min, self.post.delay_s_max)
                heappush(self._under_way, (self.now_s + delay_s, next(self._order), other, letter))
