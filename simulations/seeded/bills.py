"""What links with a price cost their sites, day by day, as a carrier counts: every byte put on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sfnode.config import LinkSettings
from simulations.checkers.observations import ContactPaid, Observation
from simulations.hosts.clock import WALL_FROM_S
from simulations.virtual.loop import virtual_loop
from simulations.virtual.wire import Wire

DAY_S: Final = 86_400.0
BYTES_PER_MEGABYTE: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What each site pays for its link, and allows for it."""

    usd_per_megabyte: float
    cap_usd_per_day: float

    def on(self, link: LinkSettings) -> LinkSettings:
        """The link under these terms."""
        return replace(link, usd_per_megabyte=self.usd_per_megabyte, cap_usd_per_day=self.cap_usd_per_day)


class Bills:
    """Of all sites of a world. In worlds without emergencies, which no cap stops."""

    def __init__(
        self, price: Price, wires: Callable[[], Mapping[str, Wire]], observe: Callable[[Observation], None]
    ) -> None:
        """`wires`: by site, as they are now."""
        self._price = price
        self._wires = wires
        self._observe = observe
        self._billed_bytes: dict[str, int] = {}

    async def run(self) -> None:
        """A bill at each midnight of the sites' clocks, until cancelled."""
        while True:
            now_s = WALL_FROM_S + virtual_loop().time()
            await asyncio.sleep(DAY_S - now_s % DAY_S)
            self.close(int(now_s // DAY_S))

    def close(self, day: int | None = None) -> None:
        """Whatever is not billed yet was of that day, or of today."""
        now_s = virtual_loop().time()
        today = int((WALL_FROM_S + now_s) // DAY_S)
        for site, wire in self._wires().items():
            sent = wire.bytes_sent - self._billed_bytes.get(site, 0)
            self._billed_bytes[site] = wire.bytes_sent
            self._observe(
                ContactPaid(
                    at_s=now_s,
                    place=site,
                    link=wire.profile.name,
                    day=today if day is None else day,
                    usd=sent * self._price.usd_per_megabyte / BYTES_PER_MEGABYTE,
                    cap_usd=self._price.cap_usd_per_day,
                )
            )
