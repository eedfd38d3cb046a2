"""What a correspondence is told of its medium, and what it may keep for the next life of the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from protocol.ids import Incarnation
from protocol.letters import LETTER_BYTES_MAX

LETTER_BYTES_MIN: Final = 160
"""A shorter letter would carry less than what it says beside."""
AHEAD_MAX: Final = 16
"""Letters written without a word of the peer's where each has its price: about two dollars at the tariffs of
satellite messages, and a short case with its preview."""
AHEAD_FREE_MAX: Final = 256
"""Where letters cost nothing: as many of the longest are more than a site writes in a month."""
PAID_BUNDLE_BYTES_MAX: Final = 4096
"""Where each letter has its price, headlines, texts, replies and most previews go. What is longer waits for
another link, an emergency's photograph too: it would cost ten dollars, and be there when the case is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterTerms:
    """One medium, and what may go over it."""

    letter_bytes_max: int
    """What the medium carries of this end's in one message, at most `LETTER_BYTES_MAX`."""
    answer_s: float
    """So long after a letter that asks its answer should be here: both ways at their slowest."""
    spread_s: float
    """By how much one letter may overtake another."""
    floor: Priority = Priority.BULK
    """The least urgent class that this end wants over the medium, in both directions."""
    ahead_max: int = AHEAD_MAX
    is_free: bool = False
    """Whatever waits is written, of any length, and after a silence all of it again. Where letters are paid
    for, long bundles wait for another link, and after a silence one letter asks first."""

    def __post_init__(self) -> None:
        if not LETTER_BYTES_MIN <= self.letter_bytes_max <= LETTER_BYTES_MAX:
            raise ValueError(
                f"letter_bytes_max is {self.letter_bytes_max}: letters have {LETTER_BYTES_MIN} to "
                f"{LETTER_BYTES_MAX} bytes"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterMemory:
    """Never needed to be right: without it answers to older letters are not believed, bundles go again, and
    a hub waits for a letter of the site before it writes."""

    number: int = 0
    """Of the last letter written."""
    base: int = 1
    """The lowest number whose answers are believed."""
    heard_number: int = 0
    heard_life: Incarnation | None = None
    peer_floor: Priority | None = None
    """What the peer wants over the medium; None before any letter of its has come."""
    believed: tuple[int, int] = (0, 0)
    """The newest word of the peer's that was acted on: the letter it answers, and its own number."""
