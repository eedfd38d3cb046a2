"""Carries one session's frames in datagrams, as a pure state machine: bytes and time in, datagrams out.

Law: each sealed datagram stands for itself; what is lost is sent again in later ones, under new numbers.
Into a link that has fallen silent goes nothing but probes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from protocol.channel import Phase
from protocol.datagram_parts import decode_parts

from .datagram_flight import MARGIN_S_MAX, Flight, RoundTrip
from .datagram_hearing import Hearing, Outcome
from .datagram_inbox import Inbox
from .datagram_insistence import Insistence
from .datagram_outbox import Outbox
from .datagram_parting import Parting
from .datagram_rate import RateControl
from .datagram_schedule import Schedule
from .datagram_sending import Seal, Sending
from .datagram_silence import Silence
from .datagram_sizes import HEADERS_BYTES
from .datagram_words import Words
from .rate_memory import RateMemory

STRANGER_PATIENCE_S: Final = 4.0
"""A listener knows nothing of a first caller's link, which may be slow; the caller knocks if it misses us."""


class DatagramTransport:
    """One end of one session."""

    def __init__(self, seal: Seal, memory: RateMemory, now: float, *, is_dialer: bool) -> None:
        self._seal = seal
        self._round_trip = RoundTrip(memory.rtt_s, MARGIN_S_MAX if is_dialer else STRANGER_PATIENCE_S)
        self._rate = RateControl(memory, self._round_trip)
        self._flight = Flight(now)
        self._outbox = Outbox()
        self._inbox = Inbox()
        self._words = Words(is_dialer=is_dialer)
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
        self._sending = Sending(
            seal,
            self._outbox,
            self._words,
            self._flight,
            self._rate,
            self._parting,
            self._silence,
            self._schedule,
            Insistence(self._flight, self._round_trip, self._silence),
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
        return self._sending.has_room

    @property
    def is_dark(self) -> bool:
        """Nothing is heard, although it should be."""
        return self._silence.is_dark

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
        return self._sending.count > 0

    @property
    def has_ended(self) -> bool:
        """Nothing more will be read than what lies here."""
        return not self._inbox.is_waiting and (
            self._inbox.has_ended or self.has_parted or self.peer_has_closed
        )

    @property
    def is_readable(self) -> bool:
        """Something can be read, or it is certain that nothing more will be."""
        return self._inbox.is_waiting or self.has_ended

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
        self._schedule.after_write()
        # A listener whose words are not confirmed would ask, again and again, after who has gone.
        may_go = self._words.none_are_missed and self._parting.bye_is_needless()
        if self._inbox.peer_has_said_bye or may_go:
            self._sending.leave()

    def finish(self, now: float) -> None:
        """Nothing more will be written."""
        if self.is_at_rest or self._inbox.peer_has_said_bye:
            self._sending.leave()
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
        self._sending.received(len(datagram), proves_peer=opened.phase is Phase.FRESH)
        self._silence.heard(now, len(datagram))
        if opened.asks:
            self._schedule.rest_came(now)
        outcomes = [self._hearing.hear(part, opened.phase, now) for part in decode_parts(opened.plaintext)]
        if Outcome.TAKEN in outcomes:
            self._schedule.peer_goes_on = not opened.asks
        if self._inbox.peer_has_said_bye:
            self._sending.leave()  # It reads nothing more: whatever we could send would only cost.
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
        return self._sending.datagrams(now)

    def deadline(self) -> float | None:
        """When to ask for datagrams again, unless something comes first."""
        return self._sending.deadline()

    def closing_datagram(self) -> bytes:
        """Tells the peer that nobody is here any more; to be sent once, if at all."""
        return self._sending.closing()
