"""What was written to the peer and has not been heard of: how much of it, and until when to wait for word."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from protocol.ranges import RangeSet

from ..ports import Offer
from .terms import LetterTerms

SNAPSHOTS_MAX: Final = 256
"""Letters of which it is remembered what the peer was known to hold when they were written."""
DOUBLINGS_MAX: Final = 5
"""Waiting grows to 32 times the first and no further."""
MISSES_BORNE: Final = 2
"""So often a bundle that is not told of goes again without a pause: letters are lost. More often, and with no
byte of it told between, its reader has no room for it or cannot take it, and each letter has its price."""
_NOTHING: Final = RangeSet()


@dataclass(slots=True)
class _Bundle:
    """One bundle of which bytes are on their way, or durable at the peer."""

    offer: Offer
    written: dict[int, RangeSet] = field(default_factory=dict)
    """By the number of the letter."""
    told: RangeSet = _NOTHING
    """The peer has said that it holds these."""
    misses: int = 0
    """So often bytes of it were not told of, and none new between."""
    missing_s: float = math.inf
    """When those that were to be told of and were not are lost."""

    def unheard(self, by_number: float = math.inf) -> RangeSet:
        """Bytes in letters up to that number of which the peer has not told."""
        spans = (
            span
            for number, bytes_in in self.written.items()
            if number <= by_number
            for span in bytes_in.spans
        )
        return RangeSet.of(spans) - self.told

    def doubt(self, by_number: float) -> None:
        """What letters up to that number brought is lost, as far as it is not told."""
        self.written = {number: held for number, held in self.written.items() if number > by_number}
        self.missing_s = math.inf


class UnderWay:
    """Bundles by their number in the present incarnation."""

    def __init__(self, terms: LetterTerms) -> None:
        self._terms = terms
        self._bundles: dict[int, _Bundle] = {}
        self._snapshots: OrderedDict[int, RangeSet] = OrderedDict()
        self._unanswered: list[int] = []
        """Letters with bundles, later than the last that was answered."""
        self._answered = 0
        self._silences = 0
        self._silent_s = math.inf
        """When the peer has been silent for too long."""

    @property
    def deadline_s(self) -> float:
        """When to stop waiting for something."""
        return min(self._silent_s, min((each.missing_s for each in self._bundles.values()), default=math.inf))

    @property
    def room_letters(self) -> int:
        """So many letters may be written before the peer is heard. After a silence one asks alone."""
        is_asking = self._silences > 0 and not self._terms.is_free
        return (1 if is_asking else self._terms.ahead_max) - len(self._unanswered)

    @property
    def has_room_for_emergencies(self) -> bool:
        """They do not wait for word of what is less urgent."""
        return len(self._unanswered) < 2 * self._terms.ahead_max

    @property
    def numbers(self) -> RangeSet:
        """Bundles with bytes on their way: whoever looks for another link for them would pay twice. Not those
        that did not get through again and again."""
        return RangeSet.of_numbers(
            number
            for number, each in self._bundles.items()
            if each.misses <= MISSES_BORNE and each.unheard().spans
        )

    @property
    def offers(self) -> dict[int, Offer]:
        """All that was written of and is not whole at the peer, by number."""
        return {number: each.offer for number, each in self._bundles.items()}

    def todo(self, offer: Offer) -> RangeSet:
        """Bytes of a bundle that are neither on their way nor at the peer."""
        whole = RangeSet.whole(offer.size_bytes)
        known = self._of(offer)
        return whole if known is None else whole - known.unheard() - known.told

    def is_begun(self, offer: Offer) -> bool:
        """Whether some of its bytes were written, or are at the peer."""
        return self._of(offer) is not None

    def write(self, offer: Offer, piece: tuple[int, int], number: int) -> None:
        """Bytes of a bundle stand in the letter of that number."""
        known = self._known(offer)
        known.written[number] = known.written.get(number, _NOTHING).add(*piece)

    def posted(self, number: int, stored: RangeSet, now: float, *, has_bundles: bool) -> None:
        """A letter was written, when the peer was known to hold these of ours."""
        self._snapshots[number] = stored
        while len(self._snapshots) > SNAPSHOTS_MAX:
            self._snapshots.popitem(last=False)
        if has_bundles:
            self._unanswered.append(number)
            self._silent_s = now + self._terms.answer_s * 2 ** min(self._silences, DOUBLINGS_MAX)

    def known_at(self, number: int) -> RangeSet:
        """What the peer was known to hold when that letter was written; nothing, of one that is forgotten."""
        return self._snapshots.get(number, _NOTHING)

    def told(self, offer: Offer, held: RangeSet) -> None:
        """The peer holds these bytes of an unfinished bundle."""
        known = self._known(offer)
        if (held - known.told).spans:
            known.misses = 0
        known.told = held

    def arrived(self, numbers: RangeSet) -> None:
        """The peer holds these whole."""
        for number in [each for each in self._bundles if each in numbers]:
            del self._bundles[number]

    def answered(self, number: int, now: float) -> None:
        """The peer has answered this letter. What it does not tell of was overtaken, or is lost."""
        self._answered = max(self._answered, number)
        self._unanswered = [each for each in self._unanswered if each > number]
        self._silences = 0
        for each in self._bundles.values():
            is_missing = bool(each.unheard(self._answered).spans)
            each.missing_s = now + self._patience_s(each) if is_missing else math.inf
        if not self._unanswered:
            self._silent_s = math.inf

    def give_up(self, now: float) -> bool:
        """Whatever is waited for in vain by now goes again; whether the peer was silent altogether."""
        for each in self._bundles.values():
            if now >= each.missing_s:
                each.misses += 1
                each.doubt(self._answered)
        if now < self._silent_s:
            return False
        self._silent_s, self._unanswered = math.inf, []
        self._silences += 1
        for each in self._bundles.values():
            each.doubt(math.inf)
        return True

    def forget(self) -> None:
        """Every bundle has another number from now on."""
        self._bundles.clear()
        self._snapshots.clear()
        self._unanswered.clear()
        self._silent_s = math.inf

    def _patience_s(self, bundle: _Bundle) -> float:
        """How long after an answer that does not tell of it a bundle is lost."""
        doublings = bundle.misses - MISSES_BORNE
        if doublings < 0:
            return self._terms.spread_s
        pause_s: float = self._terms.answer_s * 2 ** min(doublings, DOUBLINGS_MAX)
        return max(self._terms.spread_s, pause_s)

    def _known(self, offer: Offer) -> _Bundle:
        known = self._of(offer)
        if known is None:
            known = self._bundles[offer.sequence] = _Bundle(offer)
        return known

    def _of(self, offer: Offer) -> _Bundle | None:
        known = self._bundles.get(offer.sequence)
        return known if known is not None and known.offer == offer else None
