"""Bytes, minutes and money of a contact before it is made, and what the estimate rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from .terms import LinkTerms

CONTACTS_MIN: Final = 3
"""Contacts that must have been measured before minutes are called a forecast."""
OVERHEAD_BYTES: Final = 1_200
"""Both greetings, headers and goodbyes of one contact over HTTP, until it was measured."""
FRAMING_SHARE: Final = 0.04
"""Headers of packets and frames, on top of what they carry."""
ROUND_TRIPS: Final = 2
"""Until the last receipt: one to be answered, one more on links that shake hands first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What contacts over a link have shown; guesses of its owner until then."""

    rate_bytes_s: float
    rtt_s: float
    overhead_bytes: int = OVERHEAD_BYTES
    """What a contact costs that carries nothing."""
    contacts: int = 0
    """How many contacts the rate was measured in; 0 while it is a guess."""

    @property
    def is_forecast(self) -> bool:
        return self.contacts >= CONTACTS_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One contact."""

    size_bytes: int
    """On the link, both ways."""
    seconds: float
    usd: float


def look(terms: LinkTerms, measured: Measured) -> Forecast:
    """A contact that finds nothing new."""
    return forecast(terms, measured, 0)


def forecast(terms: LinkTerms, measured: Measured, size_bytes: int) -> Forecast:
    """A contact that carries so many sealed bytes."""
    on_link = math.ceil(size_bytes * (1 + FRAMING_SHARE)) + measured.overhead_bytes
    seconds = ROUND_TRIPS * measured.rtt_s + on_link / measured.rate_bytes_s
    messages = 0
    if terms.tariff.usd_per_message:
        messages = max(1, math.ceil(size_bytes / terms.message_bytes)) if terms.message_bytes else 1
    usd = terms.tariff.cost_usd(size_bytes=on_link, connected_s=seconds, messages=messages)
    return Forecast(size_bytes=on_link, seconds=seconds, usd=usd)
