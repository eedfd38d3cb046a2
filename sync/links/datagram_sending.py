"""The datagrams that leave: what each of them holds, and how many may be on their way.

Law: into a link that has fallen silent goes nothing but probes, and to a caller that has not shown that it is
where it says, three times the bytes that it sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from protocol.datagram_parts import Closing, Part, Ping, encode_parts
from protocol.datagrams import Opened
from protocol.header import Priority

from .datagram_flight import Flight
from .datagram_insistence import Insistence
from .datagram_outbox import Outbox
from .datagram_parting import Parting, going_on
from .datagram_rate import RateControl
from .datagram_schedule import Schedule
from .datagram_silence import Silence
from .datagram_sizes import DATAGRAM_BYTES_MAX, FIRST_FLIGHT_BYTES, HEADERS_BYTES
from .datagram_words import Words

QUEUE_S: Final = 0.5
QUEUE_UNITS: Final = 2
"""So that each datagram of bulk is full."""
QUEUE_BYTES_MAX: Final = 64 * 1024
"""What may wait here. The urgent overtakes it only where the session can write at all."""
RETOLD_BYTES_EACH: Final = 12
"""For each datagram that came: beside a long one, so few bytes more in the answer count for nothing."""
RETOLD_BYTES_MAX: Final = 768
MANY: Final = 4
LEAST_BYTES: Final = 128
"""A datagram with a word of what arrived and little else, at most."""
WORD_BYTES: Final = 64
"""One with such a word and nothing else."""
PIECE_BYTES: Final = 32
"""Beside such a word at the least: the shortest introduction pays for the beginning of an answer, and whoever
hears that shows where it is, so that the rest may follow."""
UNPROVEN_FACTOR: Final = 3
"""As many bytes as it sent may go to a caller that has not shown that it is where it says."""


class Seal(Protocol):
    """Either end's seal."""

    def overhead_bytes(self, number: int, acknowledged: int) -> int: ...

    def seal(self, number: int, acknowledged: int, plaintext: bytes, *, asks: bool) -> bytes: ...

    def open(self, datagram: bytes) -> Opened | None: ...

    def introduce(self) -> None: ...

    @property
    def is_rejected(self) -> bool: ...


class Sending:
    """What one end sends."""

    def __init__(
        self,
        seal: Seal,
        outbox: Outbox,
        words: Words,
        flight: Flight,
        rate: RateControl,
        parting: Parting,
        silence: Silence,
        schedule: Schedule,
        insistence: Insistence,
        *,
        is_dialer: bool,
    ) -> None:
        self.count = 0
        """Datagrams that have left."""
        self._seal = seal
        self._outbox = outbox
        self._words = words
        self._flight = flight
        self._rate = rate
        self._parting = parting
        self._silence = silence
        self._schedule = schedule
        self._insistence = insistence
        self._peer_is_proven = is_dialer
        self._answer_is_late = False
        self._sent_bytes = 0
        self._received_bytes = 0

    def received(self, size_bytes: int, *, proves_peer: bool) -> None:
        """So much came from the peer."""
        self._received_bytes += size_bytes
        self._peer_is_proven |= proves_peer

    def datagrams(self, now: float) -> Iterator[bytes]:
        """Everything that may leave now."""
        self._silence.judge(now)
        self._answer_is_late = self._silence.is_late(now)
        while (datagram := self._next_datagram(now)) is not None:
            yield datagram

    def deadline(self) -> float | None:
        """When to ask for datagrams again, unless something comes first."""
        if self._budget_bytes < WORD_BYTES:
            return None  # Only what the caller sends can change that.
        moments = [self._words.due_at, self._silence.probe_at, self._silence.overdue_at()]
        if not self._silence.is_dark:
            moments.append(self._insistence.asks_at())
        if not self._silence.is_dark and not self._outbox.empty and self._may_fly():
            moments.append(self._leaves_at())
        return min((moment for moment in moments if moment is not None), default=None)

    def closing(self) -> bytes:
        """Tells the peer that nobody is here any more."""
        return self._sealed([Closing()], asks=False)

    def leave(self) -> None:
        """Nothing more is said, and nobody is waited for."""
        self._parting.leave()
        self._words.clear()
        self._silence.probe_at = None

    @property
    def has_room(self) -> bool:
        """Whether to queue more frames now."""
        if self._is_first_flight and self._sent_bytes + self._outbox.queued_bytes < FIRST_FLIGHT_BYTES:
            return True
        if self._haste is not None:
            return self._outbox.queued_bytes < FIRST_FLIGHT_BYTES
        units = 1 if self._rate.is_thin else QUEUE_UNITS
        unit_bytes = self._rate.unit_bytes - HEADERS_BYTES
        limit = min(max(self._rate.rate_bytes_s * QUEUE_S, units * unit_bytes), QUEUE_BYTES_MAX)
        # What is less urgent and waits here holds up nothing more urgent, up to a bound.
        foremost_bytes, waiting_bytes = self._outbox.foremost_bytes, self._outbox.queued_bytes
        return foremost_bytes < limit and waiting_bytes < 2 * limit

    # What goes out.

    @property
    def _haste(self) -> Priority | None:
        """The class of a text for which bulk stands aside, where that matters."""
        haste = self._outbox.haste  # Nearly always none; how thin the link is takes longer to tell.
        return haste if haste is not None and self._rate.is_thin else None

    @property
    def _unit_bytes(self) -> int:
        if self._is_first_flight or self._haste is Priority.EMERGENCY:
            return DATAGRAM_BYTES_MAX
        return self._rate.unit_bytes - HEADERS_BYTES

    @property
    def _window_bytes(self) -> float:
        if self._haste is not None:
            return self._rate.window_bytes + FIRST_FLIGHT_BYTES
        return max(self._rate.window_bytes, FIRST_FLIGHT_BYTES if self._is_first_flight else 0)

    @property
    def _is_first_flight(self) -> bool:
        """A consult's text leaves at once. Bulk does not: whatever is urgent would wait behind it."""
        return self._sent_bytes < FIRST_FLIGHT_BYTES and not self._outbox.holds_bulk(FIRST_FLIGHT_BYTES)

    @property
    def _budget_bytes(self) -> float:
        """What may be sent to a caller that has not shown that it is where it says."""
        if self._peer_is_proven:
            return math.inf
        return UNPROVEN_FACTOR * self._received_bytes - self._sent_bytes

    def _may_fly(self) -> bool:
        if self._answer_is_late and self._outbox.holds_bulk(FIRST_FLIGHT_BYTES):
            return False
        in_flight_bytes = self._flight.in_flight_bytes
        # Nothing on its way fills no window; how wide that is takes a dozen questions to tell.
        has_room = not in_flight_bytes or in_flight_bytes < self._window_bytes
        has_room = has_room or self._outbox.holds_only_receipts
        return has_room and self._budget_bytes >= WORD_BYTES + min(PIECE_BYTES, self._outbox.queued_bytes)

    def _next_datagram(self, now: float) -> bytes | None:
        if self._budget_bytes < WORD_BYTES:
            return None
        if (probe_at := self._silence.probe_at) is not None:
            return self._probe(now) if now >= probe_at else self._bare_word(now)
        if (asks_at := self._insistence.asks_at()) is not None and now >= asks_at:
            return self._insist(now)
        if not self._outbox.empty and self._may_fly() and now >= self._leaves_at():
            return self._filled(now)
        return self._bare_word(now)

    def _leaves_at(self) -> float:
        """What is urgent waits in no queue of ours: whatever pace bulk keeps is kept behind it."""
        if self._haste is not None:
            return -math.inf
        return max(self._schedule.may_send_at, self._schedule.flush_at(self._unit_bytes))

    def _filled(self, now: float) -> bytes | None:
        word = self._words.take(now)
        taken_bytes = self._overhead_bytes() + len(encode_parts(word))
        room_bytes = int(min(self._unit_bytes, self._budget_bytes)) - taken_bytes
        haste = self._haste
        parts = self._outbox.take(room_bytes, only=Priority.BULK if haste is None else haste)
        if not parts and (echo := self._outbox.take_echo(room_bytes)):
            # If this one is lost too, the first one's loss will tell.
            return self._launched(word, (), now, asks=self._outbox.empty, beside=echo)
        if not parts:
            return self._sealed(word, asks=False) if word else None
        if (before := self._parting.retold(parts, room_bytes)) is not None:
            self.leave()
            return self._sealed([*before, *parts], asks=False)  # Who reads a goodbye asks about nothing.
        if self.count == 0 and self._schedule.rest_is_worth_waiting:
            parts = going_on(parts)
        if self._parting.is_last_word(word, parts, is_first=self.count == 0):
            self._parting.last_words = tuple(parts)
            return self._sealed([*word, *parts], asks=False)
        spares_answer = self._silence.peer_has_answered and self._parting.will_be_retold(parts)
        if self._outbox.empty and self._flight.is_long and self._schedule.may_say_twice:
            self._outbox.echo(tuple(parts))  # Were the last one lost, only time would tell.
        is_full = self._flight.in_flight_bytes + 2 * self._unit_bytes > self._window_bytes
        fills_window = is_full and self._flight.oldest_asking is None
        asks = not spares_answer and self._schedule.should_ask(parts, now, fills_window=fills_window)
        # Of an unknown link the first answer tells more than it costs, if it is to carry more than this.
        asks |= self._rate.is_unknown and self._outbox.holds_bulk(FIRST_FLIGHT_BYTES)
        # What it paid for is used up: its answer shows where it is, and lets the rest follow.
        asks |= not self._outbox.empty and self._budget_bytes < 2 * LEAST_BYTES + self._outbox.queued_bytes
        return self._launched(word, tuple(parts), now, asks=asks)

    def _launched(
        self,
        word: list[Part],
        parts: tuple[Part, ...],
        now: float,
        *,
        asks: bool,
        beside: Iterable[Part] = (),
    ) -> bytes:
        """A datagram whose `parts` are sent again if it is lost, and what it carries besides are not."""
        number = self.count
        datagram = self._sealed([*word, *parts, *beside], asks=asks)
        size_bytes = len(datagram) + HEADERS_BYTES
        # A slow link is busy while one datagram leaves; of an unknown one two together tell how slow it is.
        bursts = not self._rate.is_slow or self._rate.is_unknown or self._is_first_flight
        self._schedule.pace(size_bytes, now, bursts=bursts)
        self._flight.launch(
            number,
            size_bytes,
            parts,
            now,
            asks=asks,
            limited=self._outbox.empty or self._silence.is_dark,
            rate_bytes_s=self._rate.rate_bytes_s,
            # Elsewhere a datagram behind it tells soon enough what became of a text.
            urgency=self._outbox.urgency_of(parts) if self._rate.is_thin else None,
        )
        return datagram

    def _insist(self, now: float) -> bytes:
        """Ask about a text that is urgent."""
        if not self._silence.peer_has_answered:
            self._seal.introduce()
        self._schedule.asked(now)
        return self._launched(self._words.take(now), (Ping(),), now, asks=True)

    def _probe(self, now: float) -> bytes:
        if self._silence.should_introduce:
            self._seal.introduce()
        self._schedule.asked(now)
        parts = self._silence.knock(now, self._budget_bytes - LEAST_BYTES)
        if self._silence.is_reader:
            self._words.remind()
        return self._launched(self._words.take(now), parts, now, asks=True)

    def _bare_word(self, now: float) -> bytes | None:
        if self._words.due_at is None or now < self._words.due_at:
            return None
        is_told_by_the_way = self._silence.is_amid_bulk
        if self._flight.outstanding and self._flight.oldest_asking is None and not is_told_by_the_way:
            # What was told by the way may be lost: ask about it now that a datagram leaves anyhow.
            return self._launched(self._words.take(now), (Ping(),), now, asks=True)
        covered = self._words.covered
        room_bytes = min(RETOLD_BYTES_EACH * covered, RETOLD_BYTES_MAX) if covered >= MANY else 0
        retold = self._flight.unheard_receipts(room_bytes)
        datagram = self._sealed([*self._words.take(now), *retold], asks=False)
        self._schedule.pace(len(datagram) + HEADERS_BYTES, now)
        return datagram

    def _overhead_bytes(self) -> int:
        return self._seal.overhead_bytes(self.count, self._flight.highest_confirmed)

    def _sealed(self, parts: list[Part], *, asks: bool) -> bytes:
        number = self.count
        self.count += 1
        datagram = self._seal.seal(number, self._flight.highest_confirmed, encode_parts(parts), asks=asks)
        self._sent_bytes += len(datagram)
        return datagram
