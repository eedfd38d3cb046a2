"""Makes the dialer of each contact from the link's settings, and keeps what dialers find out of the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from sfnode.config import LINKS_MAX, LinkSettings
from sfnode.errors import NotEnrolled
from sync.pins import parse_pin
from sync.ports import Dialer

from .contact import Pair

if TYPE_CHECKING:
    from sync.links.http_path import HttpWay
    from sync.links.udp import UdpDialer


Key = TypeVar("Key")
Learnt = TypeVar("Learnt")


@dataclass(slots=True)
class Dialers:
    """One for each contact; what was learnt of the way to one hub serves the next contact with it."""

    _ways: dict[tuple[str, str | None], HttpWay] = field(default_factory=dict)
    """By the hub's address, and the way out of this machine."""
    _udp: dict[tuple[object, ...], UdpDialer] = field(default_factory=dict)

    def __call__(self, link: LinkSettings, pair: Pair) -> Dialer:
        """Raises `NotEnrolled` while no hub is known."""
        return self._udp_dialer(link, pair) if link.udp else self._http_dialer(link)

    def _udp_dialer(self, link: LinkSettings, pair: Pair) -> UdpDialer:
        """One for all contacts over the same link: it remembers the rate."""
        from sync.links.udp import RATE_BIT_S_GUESS, UdpDialer

        wanted = (link.udp, link.bind, link.rate_bit_s, link.rtt_s, link.usd_per_megabyte, pair.pseudonym)
        if wanted not in self._udp:
            _make_room(self._udp)
            parts = urlsplit(link.udp or "")
            self._udp[wanted] = UdpDialer(
                parts.hostname or "",
                parts.port or 0,
                pseudonym=pair.pseudonym,
                link_secret=pair.link_secret,
                # Who left the setting as it was has told nothing of the link.
                rate_bit_s=None if link.rate_bit_s == RATE_BIT_S_GUESS else link.rate_bit_s,
                rtt_s=link.rtt_s,
                usd_per_megabyte=link.usd_per_megabyte,
                way_out=link.way_out,
            )
        return self._udp[wanted]

    def _http_dialer(self, link: LinkSettings) -> Dialer:
        if link.hub_url is None:
            raise NotEnrolled("No hub is configured. Use `sfnode link set --hub URL`.")
        # Imported at the first dial: it is a third of what a daemon takes to start, and typing can begin
        # before.
        from sync.links.http import HttpDialer
        from sync.links.http_path import HttpWay

        way = (link.hub_url, link.bind)
        if way not in self._ways:
            _make_room(self._ways)
            self._ways[way] = HttpWay()
        return HttpDialer(
            link.hub_url,
            rate_bit_s=link.rate_bit_s,
            rtt_s=link.rtt_s,
            usd_per_megabyte=link.usd_per_megabyte,
            pin=parse_pin(link.pin) if link.pin else None,
            way=self._ways[way],
            way_out=link.way_out,
        )


def _make_room(kept: dict[Key, Learnt]) -> None:
    """What was learnt of ways that nobody uses any more is forgotten, oldest first."""
    while len(kept) >= LINKS_MAX:
        del kept[next(iter(kept))]
