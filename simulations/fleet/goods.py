"""Every bundle of a run: what it is, whose case, since when it waits, when it came; and each case's story."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from protocol.header import Priority
from protocol.ids import BUNDLE_ID_BYTES, BundleId
from simulations.report import CaseRow, DeliveryRow
from simulations.workload import Consult
from sync.ports import Rank
from sync.scheduler.arrival import Arrivals

RECIPIENT_KEY: Final = b"k1"
_LARGEST_BYTES: Final = 65_536
_BLANK: Final = bytes(_LARGEST_BYTES)
"""What bundles are sealed into in event mode: of the right size, with nothing in it."""


@dataclass(slots=True, eq=False, kw_only=True)
class Parcel:
    """One bundle."""

    bundle: BundleId
    site: int
    case: int
    what: str
    priority: Priority
    rank: Rank
    up: bool
    size_bytes: int
    queued_s: float
    bound_s: float
    forecast: tuple[float, float] | None = None
    estimated_s: float | None = None
    arrivals: Arrivals | None = None
    """Of whatever it was estimated for."""
    stored_s: float | None = None
    link: str = ""

    @property
    def sealed(self) -> bytes:
        """Blank bytes of its size."""
        if self.size_bytes <= _LARGEST_BYTES:
            return _BLANK[: self.size_bytes]
        return bytes(self.size_bytes)

    def row(self) -> DeliveryRow:
        low_s, high_s = self.forecast or (None, None)
        return DeliveryRow(
            site=self.site,
            case=self.case,
            what=self.what,
            priority=int(self.priority),
            up=self.up,
            link=self.link,
            size_bytes=self.size_bytes,
            queued_s=self.queued_s,
            stored_s=self.stored_s,
            bound_s=None if math.isinf(self.bound_s) else self.bound_s,
            forecast_low_s=low_s,
            forecast_high_s=high_s,
        )


@dataclass(slots=True, eq=False)
class Story:
    """One case, from its opening until the site has seen the reply."""

    case: int
    site: int
    consult: Consult
    useful_s: float | None = None
    text_stored_s: float | None = None
    taken_s: float | None = None
    answered_s: float | None = None
    reply_stored_s: float | None = None
    seen_s: float | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    usd: float = 0.0

    def row(self) -> CaseRow:
        return CaseRow(
            case=self.case,
            site=self.site,
            kind=self.consult.complaint,
            priority=int(self.consult.priority),
            opened_s=self.consult.opened_s,
            useful_s=self.useful_s,
            text_stored_s=self.text_stored_s,
            taken_s=self.taken_s,
            answered_s=self.answered_s,
            reply_stored_s=self.reply_stored_s,
            seen_s=self.seen_s,
            bytes_up=self.bytes_up,
            bytes_down=self.bytes_down,
            usd=self.usd,
        )


class Goods:
    """All of them, by id."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.parcels: dict[BundleId, Parcel] = {}
        self.stories: list[Story] = []

    def new_bundle(self) -> BundleId:
        """An id that follows from the seed and the order of events."""
        name = f"{self._seed}/{len(self.parcels)}".encode()
        return BundleId(blake2b(name, digest_size=BUNDLE_ID_BYTES).digest())

    def keep(self, parcel: Parcel) -> None:
        self.parcels[parcel.bundle] = parcel

    def open_case(self, site: int, consult: Consult) -> Story:
        story = Story(len(self.stories), site, consult)
        self.stories.append(story)
        return story

    def share_cost(self, case: int, size_bytes: int, *, up: bool, usd: float) -> None:
        """A case pays for its own bytes; what a contact costs beyond them is the site's."""
        story = self.stories[case]
        if up:
            story.bytes_up += size_bytes
        else:
            story.bytes_down += size_bytes
        story.usd += usd
