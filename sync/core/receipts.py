"""When receipts leave: at once where somebody waits for them, else together with what leaves anyhow.

A receipt takes few bytes, and whatever carries it alone takes many more. Law: none is held back from a peer
that has said that it waits, and none for longer than `HELD_BACK_S`; from a peer that has no more to send,
none but a short one that our answer to its own is about to carry.
"""

from __future__ import annotations

from typing import Final

from protocol.frames import Frame, Have, Kept, KeptLast, Stored
from protocol.ids import Incarnation
from protocol.ranges import RangeSet

HELD_BACK_S: Final = 5.0
"""What nobody waits for shows progress and spares bytes after a cut: so old it may be."""
URGENT_HELD_BACK_S: Final = 1.0
"""Somebody looks at the screen until an emergency has arrived; its text may follow the headline at once."""


RIDING_BYTES_MAX: Final = 1024
"""So much may be without its receipt until then: no more than one chunk is paid for twice after a cut."""


class Receipts:
    """What one session has to tell of what is durable here."""

    def __init__(self) -> None:
        self._progress: dict[int, RangeSet] = {}
        """By handle."""
        self._stored: dict[Incarnation, RangeSet] = {}
        self._others: list[Frame] = []
        self._due_at: float | None = None
        self._held_since = 0.0
        self._untold_bytes = 0
        self.may_ride = False
        """We speak as soon as the peer has told what it holds: then it needs no packet of its own."""
        self._is_awaited = False
        self._peer_is_idle = False
        self._peer_life: Incarnation | None = None
        self._peer_last = 0

    # What there is to tell.

    def progress(self, handle: int, held: RangeSet, now: float) -> None:
        """Of a bundle that is not whole; replaces what was to be told of it."""
        self._progress[handle] = held
        self._hold(now)

    def stored(
        self, incarnation: Incarnation, numbers: RangeSet, now: float, *, is_urgent: bool = False
    ) -> None:
        """Whole bundles."""
        self._stored[incarnation] = self._stored.get(incarnation, RangeSet()) | numbers
        self._hold(now, URGENT_HELD_BACK_S if is_urgent else HELD_BACK_S)

    def other(self, frame: Frame, now: float) -> None:
        """A word that is in no more hurry than a receipt."""
        self._others.append(frame)
        self._hold(now)

    def received(self, size_bytes: int) -> None:
        """So much more is durable, of which the peer has yet to hear."""
        self._untold_bytes += size_bytes

    def done(self, handle: int) -> None:
        """Progress of this bundle is void: it is whole, or refused."""
        self._progress.pop(handle, None)

    # Who waits for it.

    def peer_greets(self, incarnation: Incarnation, sequence_max: int) -> None:
        """The incarnation that need not be named, and its highest number."""
        self._peer_life, self._peer_last = incarnation, sequence_max

    def hurry(self) -> None:
        """What there is must be told at once."""
        self._is_awaited = self.due_at is not None

    def peer_is_idle(self) -> None:
        """The peer has no more to send: all that it waits for is our word."""
        self._peer_is_idle = True

    def peer_goes_on(self) -> None:
        """The peer begins another bundle."""
        self._peer_is_idle = False

    # Telling it.

    @property
    def due_at(self) -> float | None:
        """When to tell it at the latest; None if there is nothing to tell."""
        return self._due_at if self._due_at is None or not self._rides else self._held_since + HELD_BACK_S

    def is_due(self, now: float, *, more_may_come: bool) -> bool:
        """Whether to tell it now, although nothing else leaves. The end of what a peer sends can overtake the
        rest, and then the rest is waited for."""
        if self.due_at is None:
            return False
        is_last_word = self._peer_is_idle and not more_may_come and not self._rides
        return self._is_awaited or is_last_word or now >= self.due_at

    def take(self) -> list[Frame]:
        """All there is to tell."""
        told = [*(Have(handle, held) for handle, held in self._progress.items()), *self.take_final()]
        self._progress.clear()
        self._forget_time()
        return told

    def take_final(self) -> list[Frame]:
        """What no later word will replace."""
        told = [*(self._receipt(life, numbers) for life, numbers in self._stored.items()), *self._others]
        self._stored.clear()
        self._others.clear()
        if not self._progress:
            self._forget_time()
        return told

    def _receipt(self, life: Incarnation, numbers: RangeSet) -> Stored | Kept | KeptLast:
        if life != self._peer_life or len(numbers.spans) != 1:
            return Stored(life, numbers)
        first, end = numbers.spans[0]
        is_last = first == end - 1 == self._peer_last
        return KeptLast() if is_last else Kept(first, end - first)

    @property
    def _rides(self) -> bool:
        return self.may_ride and self._untold_bytes <= RIDING_BYTES_MAX

    def _forget_time(self) -> None:
        self._due_at, self._is_awaited, self._untold_bytes = None, False, 0

    def _hold(self, now: float, held_back_s: float = HELD_BACK_S) -> None:
        due_at = now + held_back_s
        if self._due_at is None:
            self._held_since = now
        self._due_at = due_at if self._due_at is None else min(self._due_at, due_at)
