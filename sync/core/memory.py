"""What one session learns of a link and its peer that saves the next one bytes; never needed to be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from protocol.ids import Incarnation, SealTag
from protocol.ranges import RangeSet

from ..ports import LinkProperties, Offer

UNHEARD_MAX: Final = 1024
"""Bundles remembered; for one that is forgotten a longer stretch is doubted."""

Sealing = tuple[Incarnation, int, SealTag]
"""One bundle under one number and one seal."""


def sealing_of(offer: Offer) -> Sealing:
    """The name of an offered bundle's bytes."""
    return offer.incarnation, offer.sequence, offer.seal_tag


@dataclass(frozen=True, slots=True)
class LinkMemory:
    """Rate and round trip of the link, and which bytes were last heard of leaving."""

    rate_bytes_s: float | None = None
    rtt_s: float | None = None
    unheard: Mapping[Sealing, RangeSet] = field(default_factory=dict)
    """Per bundle begun by this process: bytes sent without a receipt. One that is missing here may have been
    begun by an earlier process, which has told nobody how far it got."""
    link_bounds_queue: bool = False
    """Declared by the link of this session, not learnt."""
    link_bridges_gaps: bool = False
    """The same: a silence need not be the end."""

    def or_guess(self, link: LinkProperties) -> LinkMemory:
        """This memory, with what the link declares of itself where nothing was measured yet."""
        if self.rate_bytes_s is not None:
            return self.over(link)
        return LinkMemory(
            link.rate_bit_s_guess / 8, link.rtt_s_guess, self.unheard, link.bounds_queue, link.bridges_gaps
        )

    def over(self, link: LinkProperties) -> LinkMemory:
        """This memory, for a session over such a link."""
        return LinkMemory(self.rate_bytes_s, self.rtt_s, self.unheard, link.bounds_queue, link.bridges_gaps)

    def after(
        self, rate_bytes_s: float | None, rtt_s: float | None, unheard: Mapping[Sealing, RangeSet]
    ) -> LinkMemory:
        """This memory and what a later session adds to it."""
        newest_last = list({**self.unheard, **unheard}.items())
        return LinkMemory(rate_bytes_s, rtt_s, dict(newest_last[-UNHEARD_MAX:]))
