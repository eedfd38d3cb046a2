"""What is left of lives that ended: one sum over them, and a name for the second bundle under one number.

Law: both ends of a pair make the same sum just when one holds, and owes, of the other's former lives what the
other has been told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from .fields import encode_digest
from .ids import INCARNATION_BYTES, Incarnation
from .ranges import RangeSet, encode_ranges
from .summary import DIGEST_BYTES

_PAST: Final = b"sf-past"
_FORK: Final = b"sf-fork"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLife:
    """What one end has of one incarnation of the other's."""

    incarnation: Incarnation
    held: RangeSet
    """Empty for the incarnation that is not past."""
    digest: int
    """Over what is held."""
    owed: RangeSet
    """Of what is held: promised to be given back, and perhaps given since."""


def past_digest(lives: Iterable[PastLife]) -> int:
    """One number for all of them, whatever their order; 0 if nothing is held or owed of any."""
    told = sorted(
        life.incarnation + encode_ranges(life.held) + encode_digest(life.digest) + encode_ranges(life.owed)
        for life in lives
        if life.held.spans or life.owed.spans
    )
    if not told:
        return 0
    return int.from_bytes(blake2b(b"".join(told), digest_size=DIGEST_BYTES, person=_PAST).digest(), "big")


def fork_of(incarnation: Incarnation) -> Incarnation:
    """The incarnation in whose name a receiver holds a second bundle that came under a number of this one: no
    store lives as it, so that its author finds it unknown and asks for it."""
    return Incarnation(blake2b(incarnation, digest_size=INCARNATION_BYTES, person=_FORK).digest())
