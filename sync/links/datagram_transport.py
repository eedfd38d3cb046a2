"""Carries one session's frames in datagrams, as a pure state machine: bytes and time in, datagrams out.

Law: each sealed datagram stands for itself; what is lost is sent again in later ones, under new numbers.
Into a link that has fallen silent goes nothing but probes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from protocol.channel import Phase
from protocol.datagram_parts import (
    Closing,
    Part,
    Ping,
    decode_parts,
    encode_parts,
)
from protocol.datagrams import Opened

from .datagram_flight import MARGIN_S_MAX, Flight, RoundTrip
from .datagram_hearing import Hearing, Outcome
from .datagram_inbox import Inbox
from .datagram_outbox import Outbox
from .datagram_parting import Parting
from .datagram_rate import FIRST_FLIGHT_BYTES, UNIT_BYTES, RateControl, RateMemory
from .datagram_schedule import Schedule
from .datagram_silence import Silence
from .datagram_words import Words

HEADERS_BYTES: Final = 28
"""IPv4 and UDP, which the link carries and bills too."""
DATAGRAM_BYTES_MAX: Final = UNIT_BYTES - HEADERS_BYTES
QUEUE_S: Final = 0.5
QUEUE_UNITS: Final = 2
"""So that each datagram of bulk is full."""
QUEUE_BYTES_MAX: Final = 64 * 1024
"""What may wait here. The urgent overtakes it only where the session can write at all."""
STRANGER_PATIENCE_S: Final = 4.0
"""A listener knows nothing of a first caller's link, which may be slow; the caller knocks if it misses us."""
RETOLD_BYTES_EACH: Final = 12
"""For each datagram that came: beside a long one, so few bytes more in the answer count for nothing."""
RETOLD_BYTES_MAX: Final = 768
MANY: Final = 4
LEAST_BYTES: Final = 128
"""A datagram with a word of what arrived and little else, at most."""
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


class DatagramTransport:
    """One end of one session."""

    def __init__(self, seal: Seal, memory: RateMemory, now: float, *, is_dialer: bool) -> None:
        self._seal = seal
        self._peer_is_proven = is_dialer
        self._round_trip = RoundTrip(memory.rtt_s, MARGIN_S_MAX if is_dialer else STRANGER_PATIENCE_S)
        self._rate = RateControl(memory, self._round_trip)
        self._flight = Flight(now)
        self._outbox = Outbox()
        self._inbox = Inbox()
        self._next_number = 0
        self._sent_bytes = 0
        self._received_bytes = 0
        self._words = Words()
        self._parting = Parting(self._outbox, self._inbox, self._flight, is_dialer=is_dialer)
        self._silence = Silence(
            self._flight, self._round_trip, self._rate, self._parting, now, is_dialer=is_dialer
        )
        self._schedule = Schedule(
            self._outbox,
            self._words,
            self._flight,
            self._round_trip,
            self._rate,
            self._silence,
            now,
            is_dialer=is_dialer,
        )
        self._hearing = Hearing(
            self._inbox,
            self._outbox,
            self._flight,
            self._round_trip,
            self._rate,
            self._silence,
            self._schedule,
        )

    # For the session.

    @property
    def memory(self) -> RateMemory:
        """For the next session over this link."""
        return self._rate.memory

    @property
    def has_room(self) -> bool:
        """Whether to hand over more frames now."""
        if self._is_first_flight and self._sent_bytes + self._outbox.queued_bytes < FIRST_FLIGHT_BYTES:
            return True
        units = 1 if self._rate.is_thin else QUEUE_UNITS
        unit_bytes = self._rate.unit_bytes - HEADERS_BYTES
        limit = min(max(self._rate.rate_bytes_s * QUEUE_S, units * unit_bytes), QUEUE_BYTES_MAX)
        # What is less urgent and waits here holds up nothing more urgent, up to a bound.
        foremost_bytes, waiting_bytes = self._outbox.foremost_bytes, self._outbox.queued_bytes
        return foremost_bytes < limit and waiting_bytes < 2 * limit

    @property
    def is_dark(self) -> bool:
        """Nothing is heard, although it should be."""
        return self._silence.probe_at is not None

    @property
    def peer_has_closed(self) -> bool:
        """The peer has let go of this session, or does not know it."""
        return self._hearing.peer_has_closed or self._seal.is_rejected

    @property
    def has_parted(self) -> bool:
        """Our goodbye has left, or need not leave since the peer's came first."""
        return self._parting.has_left or (self._outbox.has_said_bye and not self.unconfirmed)

    @property
    def has_spoken(self) -> bool:
        """The peer may know of this session."""
        return self._next_number > 0

    @property
    def has_ended(self) -> bool:
        """Nothing more will be read than what lies here."""
        return not self._inbox.is_waiting and (
            self._inbox.has_ended or self.has_parted or self.peer_has_closed
        )

    @property
    def is_at_rest(self) -> bool:
        """Both ends have said that they have no more, and neither waits for an answer."""
        return self._parting.is_at_rest and self._outbox.empty

    @property
    def unconfirmed(self) -> bool:
        """Something that we sent may not have arrived."""
        return not self._outbox.empty or self._flight.outstanding

    def write(self, frames: bytes, now: float) -> None:
        """Whole frames to carry."""
        self._schedule.before_write(now)
        self._outbox.write(frames)
        no_word_is_due = self._words.due_at is None
        if self._inbox.peer_has_said_bye or (no_word_is_due and self._parting.bye_is_needless()):
            self._leave()

    def finish(self, now: float) -> None:
        """Nothing more will be written."""
        if self.is_at_rest or self._inbox.peer_has_said_bye:
            self._leave()
            return
        self._schedule.before_write(now)
        self._outbox.finish()

    def take(self) -> bytes:
        """The next message for the session, b"" if there is none yet."""
        return self._inbox.take()

    # For the medium.

    def receive(self, datagram: bytes, now: float) -> bool:
        """A datagram came; whether it was the peer's and new. `ProtocolError` if it was not the peer's."""
        opened = self._seal.open(datagram)
        if opened is None:
            return False
        self._received_bytes += len(datagram)
        self._peer_is_proven |= opened.phase is Phase.FRESH
        self._silence.heard(now, len(datagram))
        outcomes = [self._hearing.hear(part, opened.phase, now) for part in decode_parts(opened.plaintext)]
        if Outcome.TAKEN in outcomes:
            self._schedule.peer_goes_on = not opened.asks
        if self._inbox.peer_has_said_bye:
            self._leave()  # It reads nothing more: whatever we could send would only cost.
        if self._parting.has_left:
            return True
        if Outcome.REFUSED not in outcomes:
            size_bytes = len(datagram) + HEADERS_BYTES
            says_something = Outcome.TAKEN in outcomes
            self._words.note(opened, now, size_bytes=size_bytes, says_something=says_something)
        if opened.asks and opened.phase is Phase.EARLY and self._parting.last_words:
            self._hearing.say_again(self._parting.last_words, now)  # It has not heard us.
        return True

    def datagrams(self, now: float) -> Iterator[bytes]:
        """Everything that may leave now."""
        self._silence.judge(now)
        while (datagram := self._next_datagram(now)) is not None:
            yield datagram

    def deadline(self) -> float | None:
        """When to ask for datagrams again, unless something comes first."""
        if self._budget_bytes < LEAST_BYTES:
            return None  # Only what the caller sends can change that.
        moments = [self._words.due_at, self._silence.probe_at, self._silence.overdue_at()]
        if not self.is_dark and not self._outbox.empty and self._may_fly():
            moments.append(max(self._schedule.may_send_at, self._schedule.flush_at(self._unit_bytes)))
        return min((moment for moment in moments if moment is not None), default=None)

    def closing_datagram(self) -> bytes:
        """Tells the peer that nobody is here any more; to be sent once, if at all."""
        return self._sealed([Closing()], asks=False)

    def _leave(self) -> None:
        self._parting.leave()
        self._words.clear()
        self._silence.probe_at = None

    # What goes out.

    @property
    def _unit_bytes(self) -> int:
        if self._is_first_flight:
            return DATAGRAM_BYTES_MAX
        return self._rate.unit_bytes - HEADERS_BYTES

    @property
    def _window_bytes(self) -> float:
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
        has_room = self._flight.in_flight_bytes < self._window_bytes or self._outbox.holds_only_receipts
        return has_room and self._budget_bytes >= LEAST_BYTES

    def _next_datagram(self, now: float) -> bytes | None:
        if self._budget_bytes < LEAST_BYTES:
            return None
        if (probe_at := self._silence.probe_at) is not None:
            return self._probe(now) if now >= probe_at else self._bare_word(now)
        flies = not self._outbox.empty and self._may_fly()
        if flies and now >= self._schedule.may_send_at and now >= self._schedule.flush_at(self._unit_bytes):
            return self._filled(now)
        return self._bare_word(now)

    def _filled(self, now: float) -> bytes | None:
        word = self._words.take(now)
        taken_bytes = self._overhead_bytes() + len(encode_parts(word))
        room_bytes = int(min(self._unit_bytes, self._budget_bytes)) - taken_bytes
        parts = self._outbox.take(room_bytes)
        if not parts and (echo := self._outbox.take_echo(room_bytes)):
            # If this one is lost too, the first one's loss will tell.
            return self._launched(word, (), now, asks=self._outbox.empty, beside=echo)
        if not parts:
            return self._sealed(word, asks=False) if word else None
        if (before := self._parting.retold(parts, room_bytes)) is not None:
            self._leave()
            return self._sealed([*word, *before, *parts], asks=False)
        if self._parting.is_last_word(word, parts, is_first=self._next_number == 0):
            self._parting.last_words = tuple(parts)
            return self._sealed([*word, *parts], asks=False)
        spares_answer = self._silence.peer_has_answered and self._parting.will_be_retold(parts)
        if self._outbox.empty and self._flight.is_long and self._schedule.may_say_twice:
            self._outbox.echo(tuple(parts))  # Were the last one lost, only time would tell.
        is_full = self._flight.in_flight_bytes + 2 * self._unit_bytes > self._window_bytes
        fills_window = is_full and self._flight.oldest_asking is None
        asks = not spares_answer and self._schedule.should_ask(parts, now, fills_window=fills_window)
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
        number = self._next_number
        datagram = self._sealed([*word, *parts, *beside], asks=asks)
        size_bytes = len(datagram) + HEADERS_BYTES
        self._schedule.pace(size_bytes, now, bursts=not self._rate.is_thin or self._is_first_flight)
        self._flight.launch(
            number,
            size_bytes,
            parts,
            now,
            asks=asks,
            limited=self._outbox.empty,
            rate_bytes_s=self._rate.rate_bytes_s,
        )
        return datagram

    def _probe(self, now: float) -> bytes:
        if self._silence.should_introduce:
            self._seal.introduce()
        self._schedule.asked(now)
        parts = self._silence.knock(now, self._budget_bytes - LEAST_BYTES)
        return self._launched(self._words.take(now), parts, now, asks=True)

    def _bare_word(self, now: float) -> bytes | None:
        if self._words.due_at is None or now < self._words.due_at:
            return None
        if self._flight.outstanding and self._flight.oldest_asking is None:
            # What was told by the way may be lost: ask about it now that a datagram leaves anyhow.
            return self._launched(self._words.take(now), (Ping(),), now, asks=True)
        covered = self._words.covered
        room_bytes = min(RETOLD_BYTES_EACH * covered, RETOLD_BYTES_MAX) if covered >= MANY else 0
        retold = self._flight.unheard_receipts(room_bytes)
        datagram = self._sealed([*self._words.take(now), *retold], asks=False)
        self._schedule.pace(len(datagram) + HEADERS_BYTES, now)
        return datagram

    def _overhead_bytes(self) -> int:
        return self._seal.overhead_bytes(self._next_number, self._flight.highest_confirmed)

    def _sealed(self, parts: list[Part], *, asks: bool) -> bytes:
        number = self._next_number
        self._next_number += 1
        datagram = self._seal.seal(number, self._flight.highest_confirmed, encode_parts(parts), asks=asks)
        self._sent_bytes += len(datagram)
        return datagram
