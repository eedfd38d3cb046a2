"""How a session ends where each datagram has its price: what need not be said, and what is said once more.

Nothing depends on a goodbye. So it is not answered, it says again whatever before it may be lost, and where
both ends know that nothing is left it is not said at all.
"""

from __future__ import annotations

from typing import Final

from protocol.datagram_parts import Control, Part, encode_parts

from .datagram_flight import RETOLD_PIECES_MAX, Flight
from .datagram_inbox import Inbox
from .datagram_outbox import Outbox

RETOLD_BYTES_MAX: Final = 256
"""A goodbye says so much again rather than wait until it is confirmed."""


def going_on(parts: list[Part]) -> list[Part]:
    """The parts of a first datagram whose rest follows at once."""
    *before, last = parts
    if not isinstance(last, Control) or last.offset:
        return parts
    return [*before, Control(0, last.data, goes_on=True)]


class Parting:
    """One end's leaving."""

    def __init__(self, outbox: Outbox, inbox: Inbox, flight: Flight, *, is_dialer: bool) -> None:
        self.has_left = False
        """Nothing more is sent, and what comes is not answered."""
        self.last_words: tuple[Part, ...] = ()
        """What we sent without asking whether it came: the peer asks again if it did not."""
        self._outbox = outbox
        self._inbox = inbox
        self._flight = flight
        self._is_dialer = is_dialer

    @property
    def is_at_rest(self) -> bool:
        """Both ends have said that they have no more, and neither waits for an answer."""
        return self._outbox.ends_idle and self._inbox.peer_is_idle and not self._flight.outstanding

    @property
    def peer_is_idle(self) -> bool:
        """The peer has said that it has no more."""
        return self._inbox.peer_is_idle

    def leave(self) -> None:
        """Go."""
        self.has_left = True
        self._outbox.clear()
        self._flight.clear()

    def bye_is_needless(self) -> bool:
        """A dialer's goodbye would be all that is left to say, to a listener that knows."""
        says_bye = self._outbox.has_said_bye and self._outbox.is_only_bye()
        return self._is_dialer and says_bye and self.is_at_rest

    def retold(self, parts: list[Part], room_bytes: int) -> list[Part] | None:
        """What a goodbye says again, so that nothing before it need be confirmed; None if that is too much,
        or if no goodbye is due."""
        if not (self._outbox.has_said_bye and self._outbox.empty):
            return None
        # Data that a goodbye does not wait for are at the peer, or of no use to it any more.
        before: list[Part] = [
            part for sent in self._flight.in_order for part in sent.parts if isinstance(part, Control)
        ]
        size_bytes = len(encode_parts([*before, *parts]))
        is_little = len(before) <= RETOLD_PIECES_MAX and size_bytes <= min(RETOLD_BYTES_MAX, room_bytes)
        return before if is_little else None

    def will_be_retold(self, parts: list[Part]) -> bool:
        """Receipts of a dialer that has no more: its goodbye follows, and says them again."""
        return (
            self._is_dialer
            and self._outbox.empty
            and self._outbox.ends_idle
            and all(isinstance(part, Control) for part in parts)
            and len(encode_parts(parts)) <= RETOLD_BYTES_MAX // 2
        )

    def is_last_word(self, word: list[Part], parts: list[Part], *, is_first: bool) -> bool:
        """Whether to spare the dialer an answer: if our first datagram leaves it nothing to do, and tells it
        that all its own arrived, it may go without a word."""
        if self._is_dialer or not self._outbox.empty or self._flight.outstanding:
            return False
        are_idle = self._outbox.ends_idle and self._inbox.peer_is_idle
        if not word or not are_idle or self._outbox.named:
            return False
        return is_first or tuple(parts) == self.last_words
