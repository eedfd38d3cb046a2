"""A site's links in the whole product: their settings as an operator makes them, and the wires below."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfnode.config import LinkMode, LinkSettings
from simulations.fleet.bound import Way as LitWay
from simulations.fleet.bound import bound_s
from simulations.fleet.link import HELD_LOOK_S
from simulations.fleet.weather import under
from simulations.hosts.site import UDP_PORT
from simulations.links import DirectionProfile, LinkProfile, Outage, ServicePlan, SharedChannel
from simulations.virtual.network import Network, through
from simulations.virtual.wire import Mischief, Way, Wire
from simulations.world import SiteLink

Storms = Mapping[tuple[str, str], tuple[Outage, ...]]
"""By region and profile."""
CLEAN: Final = DirectionProfile(rate_bit_s=1_000_000.0, delay_ms=50.0, queue_bytes=65_536)


class BilledWay(Way):
    """One direction; remembers in which second how much went on the line, lost packets too."""

    def __init__(
        self,
        direction: DirectionProfile,
        service: ServicePlan,
        mischief: Mischief,
        seed: str,
        channel: SharedChannel | None = None,
    ) -> None:
        super().__init__(direction, service, mischief, seed, channel)
        self.billed: dict[int, int] = {}
        """Bytes, by second of the run."""

    def bill(self, size_bytes: int) -> None:
        super().bill(size_bytes)
        second = int(asyncio.get_running_loop().time() - self._opened_s)
        self.billed[second] = self.billed.get(second, 0) + size_bytes


class BilledWire(Wire):
    """Both directions, on one bill."""

    direction = BilledWay
    up: BilledWay
    down: BilledWay


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """One link of one site, as the world lays it."""

    terms: SiteLink
    settings: LinkSettings
    wire: BilledWire
    lit_up: LitWay
    lit_down: LitWay

    @property
    def profile(self) -> LinkProfile:
        return self.terms.profile


def lay_links(
    network: Network, site: str, hub: str, links: Sequence[SiteLink], *, region: str, storms: Storms, key: str
) -> tuple[Laid, ...]:
    """All links of a site, from this moment on; `key` draws what their profiles leave to chance."""
    laid = []
    for number, link in enumerate(links):
        profile = under(link.profile, storms.get((region, link.profile.name), ()))
        service = ServicePlan.of(profile, f"{key}/{number}")
        wire = BilledWire(profile, seed=f"{key}/{number}", service=service)
        network.join(site, hub, wire, link=_way_in(number))
        laid.append(
            Laid(
                terms=link,
                settings=settings_of(link, hub, number),
                wire=wire,
                lit_up=LitWay.of(profile.up, service),
                lit_down=LitWay.of(profile.down, service),
            )
        )
    return tuple(laid)


def lay_first_links(network: Network, site: str, hub: str, links: Sequence[SiteLink], *, key: str) -> None:
    """The same ones before the run begins, without its weather and on nobody's bill."""
    for number, link in enumerate(links):
        wire = Wire(link.profile, seed=f"before/{key}/{number}")
        network.join(site, hub, wire, link=_way_in(number))


def heal_links(network: Network, site: str, hub: str, laid: Sequence[Laid]) -> None:
    """Clean wires from now on, on nobody's bill."""
    for number, link in enumerate(laid):
        clean = LinkProfile(
            name=link.profile.name,
            title="mended",
            source="after the run",
            up=CLEAN,
            down=CLEAN,
            mtu_bytes=link.profile.mtu_bytes,
        )
        network.join(site, hub, Wire(clean, seed=f"clean/{site}/{number}"), link=_way_in(number))


def least_s(laid: Sequence[Laid], at_s: float, size_bytes: int, *, up: bool) -> float:
    """How long so many bytes take at best, over all links together."""
    return bound_s([link.lit_up if up else link.lit_down for link in laid], at_s, size_bytes)


def settings_of(link: SiteLink, hub: str, number: int) -> LinkSettings:
    """What an operator writes of it in site.toml."""
    profile, tariff = link.profile, link.profile.tariff
    address = through(_way_in(number), hub)
    return LinkSettings(
        name=profile.name,
        hub_url=f"http://{address}",
        udp=f"udp://{address}:{UDP_PORT}",
        mode=LinkMode.POLL if link.every_s else LinkMode.HOLD,
        poll_s=link.every_s or HELD_LOOK_S,
        floor=link.floor.name.lower(),
        rate_bit_s=max(1, round(profile.up.rate_bit_s)),
        rtt_s=profile.rtt_ms / 1_000,
        usd_per_megabyte=tariff.usd_per_mb,
        usd_per_minute=tariff.usd_per_minute,
        increment_s=tariff.increment_s,
        usd_per_message=tariff.usd_per_message,
        session_bytes_min=tariff.session_bytes_min,
        cap_usd_per_day=link.usd_per_day_max,
        reserve_share=link.reserve,
    )


def _way_in(number: int) -> str:
    return f"link-{number}"
