"""Which of our datagrams are on their way, which arrived, and which must have been lost.

Nothing here reads a clock or sends anything; numbers are never used twice, so a word about one is never
ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from protocol.datagram_parts import DELAY_S_MAX, Acknowledged, Control, Part, encode_parts
from protocol.header import Priority

REORDERED_MAX: Final = 3
"""A datagram is lost once one sent so many later has arrived (as TCP and QUIC judge)."""
SPREAD_MIN: Final = 2.0
"""So many times later than they left datagrams arrive that a link took one after the other."""
SPREAD_BYTES_MIN: Final = 1_000
"""What is apart by less may be so for many a reason."""
REORDERED_SHARE: Final = 0.25
"""Or once one sent this share of a round trip later has, for flights of few datagrams."""
MARGIN_S_MAX: Final = 0.9
"""How long after its time an answer may come before the link counts as dark: with the round trip, less than
the second in which we promise to fall silent."""
MARGIN_S_MIN: Final = 0.2
LONG: Final = 64
RETOLD_DATAGRAMS_MAX: Final = 4
RETOLD_PIECES_MAX: Final = 16
SMALL_BYTES: Final = 150
_RTT_WINDOW_S: Final = 60.0
_RTT_SAMPLES_MAX: Final = 128
_SMOOTHING: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One datagram of ours, with what was confirmed when it left."""

    number: int
    size_bytes: int
    at: float
    departs_at: float
    """When the link should have carried it away: it waits behind those sent before."""
    parts: tuple[Part, ...]
    """What to send again if it is lost."""
    asks: bool
    confirmed_bytes: int
    confirmed_at: float
    first_at: float
    """When the datagram left that was confirmed last."""
    is_limited: bool
    """We had nothing more to send: it tells nothing of what the link can carry."""
    urgency: Priority | None = None
    """The class of the urgent text that it holds bytes of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an acknowledgement told."""

    confirmed: tuple[Sent, ...] = ()
    lost: tuple[Sent, ...] = ()
    newest: Sent | None = None
    rate_bytes_s: float | None = None
    """At which the link delivered, over the time the newest one was on its way."""
    spread_bytes_s: float | None = None
    """At which they arrived one behind the other, where they had left much faster: that is the link's own."""


class RoundTrip:
    """The round trip of an empty datagram, and how late an answer may be; sizes are taken out by the rate."""

    def __init__(self, guess_s: float, patience_s: float = MARGIN_S_MAX) -> None:
        """`patience_s` is the margin beyond twice the guess, before anything was measured."""
        self._guess_s = guess_s
        self._patience_s = patience_s
        self._samples: list[tuple[float, float, int]] = []
        self._smoothed_s = 0.0
        self._variation_s = 0.0
        self.queue_s = 0.0
        """By how much the latest answer was later than the best: what stands before the bottleneck."""
        self.is_measured = False
        self.small_s: float | None = None
        """The best answer to a datagram so small that its size hardly counts."""
        self.least_s = guess_s

    def measure(self, sample_s: float, size_bytes: int, rate_bytes_s: float, now: float) -> None:
        """An answer came so long after a datagram of that size left."""
        if size_bytes <= SMALL_BYTES:
            self.small_s = sample_s if self.small_s is None else min(self.small_s, sample_s)
        spacing_s = self.least_s / 16 if self.is_measured else 0.0
        if not self._samples or now - self._samples[-1][0] >= spacing_s or sample_s < self._samples[-1][1]:
            self._samples.append((now, sample_s, size_bytes))
        while len(self._samples) > _RTT_SAMPLES_MAX or self._samples[0][0] < now - _RTT_WINDOW_S:
            self._forget_one(now)
        # Sizes are taken out with today's rate, which is better known than the one of then.
        self.least_s = min(_bare_s(sample, size, rate_bytes_s) for _, sample, size in self._samples)
        bare_s = _bare_s(sample_s, size_bytes, rate_bytes_s)
        self.queue_s = max(0.0, bare_s - self.least_s)
        if not self.is_measured:
            self.is_measured = True
            self._smoothed_s, self._variation_s = bare_s, bare_s / 4
        self._variation_s += (abs(bare_s - self._smoothed_s) - self._variation_s) * 2 * _SMOOTHING
        self._smoothed_s += (bare_s - self._smoothed_s) * _SMOOTHING

    @property
    def smoothed_s(self) -> float:
        return self._smoothed_s if self.is_measured else self._guess_s

    @property
    def margin_s(self) -> float:
        """By how much an answer may be late."""
        if not self.is_measured:
            return self._guess_s + self._patience_s
        return min(max(self.least_s / 4, 4 * self._variation_s, MARGIN_S_MIN), MARGIN_S_MAX)

    @property
    def expected_s(self) -> float:
        """How long the answer to a datagram should take once it has departed."""
        return max(self.smoothed_s, self.least_s + self.queue_s)

    def _forget_one(self, now: float) -> None:
        """The oldest once it is out of date; else, to make room, the one that says least."""
        if self._samples[0][0] < now - _RTT_WINDOW_S:
            del self._samples[0]
        else:
            worst = max(range(len(self._samples) - 1), key=lambda index: self._samples[index][1])
            del self._samples[worst]


def _bare_s(sample_s: float, size_bytes: int, rate_bytes_s: float) -> float:
    return max(sample_s - size_bytes / rate_bytes_s, sample_s / 4)


class Flight:
    """Our datagrams on their way."""

    def __init__(self, now: float) -> None:
        self.in_flight_bytes = 0
        self.confirmed_bytes = 0
        self.highest_confirmed = -1
        self._confirmed_at = now
        self._first_at = now
        self._limited_until_bytes = 0
        """Until so many are confirmed, what arrives tells nothing of the link: we had too little to say."""
        self._is_heard = False
        """Something was confirmed since the link was idle."""
        self._free_at = now
        self._urgent_count = 0
        self._sent: dict[int, Sent] = {}

    @property
    def outstanding(self) -> bool:
        return bool(self._sent)

    @property
    def is_long(self) -> bool:
        """So many are on their way that one more counts for little."""
        return len(self._sent) >= LONG

    @property
    def oldest(self) -> Sent | None:
        """The one that left first."""
        for sent in self._sent.values():  # As below.
            return sent
        return None

    @property
    def in_order(self) -> tuple[Sent, ...]:
        """All of them, the first sent first."""
        return tuple(self._sent.values())

    @property
    def oldest_asking(self) -> Sent | None:
        """The one whose answer is due first."""
        for sent in self._sent.values():  # Mostly there is none, or the first: `next` would make a generator.
            if sent.asks:
                return sent
        return None

    @property
    def latest_asking(self) -> Sent | None:
        """The one whose answer is due last."""
        return next((sent for sent in reversed(self._sent.values()) if sent.asks), None)

    @property
    def latest_urgent(self) -> Sent | None:
        """The last one with bytes of an urgent text."""
        if not self._urgent_count:
            return None
        return next((sent for sent in reversed(self._sent.values()) if sent.urgency is not None), None)

    def launch(
        self,
        number: int,
        size_bytes: int,
        parts: tuple[Part, ...],
        now: float,
        *,
        asks: bool,
        limited: bool,
        rate_bytes_s: float,
        urgency: Priority | None = None,
    ) -> None:
        """A datagram leaves, for a link of about that rate."""
        self._free_at = max(self._free_at, now) + size_bytes / rate_bytes_s
        if not self._sent:
            # Nothing was asked of the link until now: the pause says nothing of its rate.
            self._confirmed_at = self._first_at = now
            self._is_heard = False
        if limited:
            self._limited_until_bytes = self.confirmed_bytes + self.in_flight_bytes + size_bytes
        self._sent[number] = Sent(
            number=number,
            size_bytes=size_bytes,
            at=now,
            departs_at=self._free_at,
            parts=parts,
            asks=asks,
            confirmed_bytes=self.confirmed_bytes,
            confirmed_at=self._confirmed_at,
            first_at=self._first_at,
            is_limited=self.confirmed_bytes < self._limited_until_bytes,
            urgency=urgency,
        )
        self._urgent_count += urgency is not None
        self.in_flight_bytes += size_bytes

    def hear(self, word: Acknowledged, rate_bytes_s: float, now: float) -> Heard:
        """What the peer says arrived; numbers it cannot have, or that are settled, are passed over."""
        confirmed = [sent for sent in self._sent.values() if word.covers(sent.number)]
        for sent in confirmed:
            self._settle(sent)
            self.confirmed_bytes += sent.size_bytes
        if not confirmed:
            return Heard(lost=tuple(self._lost_before(None)))
        newest = confirmed[-1]
        # Whatever we thought of the rate: what was confirmed has departed.
        ahead_bytes = sum(sent.size_bytes for sent in self._sent.values())
        self._free_at = min(self._free_at, now + ahead_bytes / rate_bytes_s)
        self.highest_confirmed = max(self.highest_confirmed, newest.number)
        # When the newest arrived, not when we hear of it: how long word of it waits says nothing of the link.
        waited_s = word.delay_s if newest.number == word.highest and word.delay_s < DELAY_S_MAX else 0.0
        arrived_at = max(self._confirmed_at, now - waited_s)
        spread = self._spread(confirmed, arrived_at)
        self._confirmed_at, self._first_at, self._is_heard = arrived_at, newest.at, True
        elapsed_s = max(newest.at - newest.first_at, self._confirmed_at - newest.confirmed_at)
        rate = (self.confirmed_bytes - newest.confirmed_bytes) / elapsed_s if elapsed_s > 0 else None
        lost = tuple(self._lost_before(newest))
        return Heard(
            confirmed=tuple(confirmed), lost=lost, newest=newest, rate_bytes_s=rate, spread_bytes_s=spread
        )

    def unheard_receipts(self, room_bytes: int) -> list[Part]:
        """What the oldest say besides data, if it is as little as that: all that follows waits behind it."""
        oldest = islice(self._sent.values(), RETOLD_DATAGRAMS_MAX if room_bytes else 0)
        parts: list[Part] = [part for sent in oldest for part in sent.parts if isinstance(part, Control)]
        is_little = len(parts) <= RETOLD_PIECES_MAX and len(encode_parts(parts)) <= room_bytes
        return parts if is_little else []

    def lose(self, sent: Sent) -> None:
        """Count it as lost."""
        self._settle(sent)

    def clear(self) -> None:
        """Nobody waits for any of them."""
        self._sent.clear()
        self.in_flight_bytes = self._urgent_count = 0

    def overtaken(self, round_trip_s: float) -> list[Sent]:
        """Those which one that arrived had left so long after that they cannot be on their way any more."""
        latest = self._first_at - REORDERED_SHARE * round_trip_s
        lost = [
            sent for sent in self._sent.values() if sent.number < self.highest_confirmed and sent.at <= latest
        ]
        for sent in lost:
            self._settle(sent)
        return lost

    def departed_before(self, moment: float) -> list[Sent]:
        """Those which a link should have carried away by then; they count as lost."""
        lost = [sent for sent in self._sent.values() if sent.departs_at <= moment]
        for sent in lost:
            self._settle(sent)
        return lost

    def _spread(self, confirmed: list[Sent], arrived_at: float) -> float | None:
        apart_s = arrived_at - self._confirmed_at
        size_bytes = sum(sent.size_bytes for sent in confirmed)
        # Two words of one moment, or a delay that the peer made up, tell nothing.
        is_spread = apart_s > max(0.0, SPREAD_MIN * (confirmed[-1].at - self._first_at))
        if not (self._is_heard and is_spread and size_bytes >= SPREAD_BYTES_MIN):
            return None
        return size_bytes / apart_s

    def _lost_before(self, newest: Sent | None) -> Iterator[Sent]:
        if newest is None:
            return
        for sent in [*self._sent.values()]:
            if sent.number > self.highest_confirmed - REORDERED_MAX:
                return
            self._settle(sent)
            yield sent

    def _settle(self, sent: Sent) -> None:
        if self._sent.pop(sent.number, None) is not None:
            self.in_flight_bytes -= sent.size_bytes
            self._urgent_count -= sent.urgency is not None
