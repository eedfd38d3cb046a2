"""Bodies of advice that did not come as a reply: by voice, and as a second opinion on somebody's reply."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .orders import Basis, Certainty
from .schema import Choice, Flag, ListOf, Number, Struct, Text, wire
from .stamps import WALL_S_MAX

VOICE_ORDERS_MAX: Final = 24
_LINE: Final = Text(400)
_WORD: Final = Text(120)


class VoiceMeans(IntEnum):
    OTHER = 0
    SATELLITE_TELEPHONE = 1
    VHF_RADIO = 2
    HF_RADIO = 3
    TELEPHONE = 4
    VIDEO = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceOrder:
    """One order as it was heard, and as it was read back."""

    text: str = wire(1, _LINE)
    read_back: str | None = wire(2, _LINE, default=None)
    """What the one at the site said back; absent when nothing was."""
    agreed: bool | None = wire(3, Flag(), default=None)
    """Whether the adviser said that the read-back was right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceAdvice:
    """What somebody said over a voice link, in the words of whoever writes it down. It arms no order: a reply
    of the specialist does, and this tells that specialist what was ordered already."""

    adviser: str = wire(1, _WORD)
    service: str | None = wire(2, _WORD, default=None)
    spoken_s: int = wire(3, Number(0, WALL_S_MAX))
    means: VoiceMeans = wire(4, Choice(VoiceMeans), default=VoiceMeans.OTHER)
    advice: str | None = wire(5, Text(4000), default=None)
    orders: tuple[VoiceOrder, ...] = wire(6, ListOf(Struct(VoiceOrder), VOICE_ORDERS_MAX), default=())
    call_again_s: int | None = wire(7, Number(0, WALL_S_MAX), default=None)


class Agreement(IntEnum):
    """How a second reader stands to the first one's reply."""

    WRITTEN_BLIND = 1
    """The second reader had not seen the first reply; the two are compared by whoever reads both."""
    AGREES = 2
    AGREES_IN_PART = 3
    DISAGREES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """Another specialist's view, on the reply that `refs` is about. It orders nothing; who wants other orders
    writes a reply, and both stand side by side."""

    agreement: Agreement = wire(1, Choice(Agreement))
    basis: Basis = wire(2, Struct(Basis))
    assessment: str = wire(3, Text(4000))
    certainty: Certainty = wire(4, Choice(Certainty), default=Certainty.UNSTATED)
    recommendation: str | None = wire(5, Text(2000), default=None)
