"""What site.toml says of one link to a hub; every value is checked once, here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from protocol.header import Priority
from sync.pins import MalformedPin, parse_pin
from sync.scheduler import LinkCap, LinkMode, LinkTerms, Tariff
from sync.way_out import MalformedWayOut, WayOut, parse_way_out

from .errors import BadRequest

NAME_CHARACTERS_MAX: Final = 24
"""What a status line of 80 columns shows beside the site's own name."""
FLOORS: Final = tuple(priority.name.lower() for priority in Priority)
_PRICES: Final = (
    "usd_per_megabyte",
    "usd_per_minute",
    "usd_per_message",
    "usd_per_session",
    "increment_s",
    "session_bytes_min",
    "session_s_min",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """A link to a hub: where it is, when to dial, what may go over it, what it costs."""

    hub: str | None = None
    """The hub that it leads to, as the site calls it; the home hub where none is named."""
    hub_url: str | None = None
    """Of the first link to the same hub, where another one has none."""
    name: str = "link"
    mode: LinkMode = LinkMode.POLL
    poll_s: float = 900.0
    """A quarter of an hour: a reply is at most that much late, at 60 bytes a look."""
    usd_per_megabyte: float = 0.0
    rate_bit_s: int = 22_000
    """A guess for the first forecast (an L-band terminal's uplink); measurements replace it."""
    rtt_s: float = 0.9
    pin: str | None = None
    """The hub's public key for https, `sha256:…`: trusted whatever its certificate says. "" for none."""
    udp: str | None = None
    """`udp://host:port` of the hub: sessions go there in datagrams, for fewer bytes and one round trip less.
    Enrolment still needs `hub_url`. "" for none."""
    bind: str | None = None
    """An address of this machine or the name of a network interface: packets leave there and nowhere else.
    "" for wherever routes lead."""
    floor: str = "bulk"
    """The least urgent class that may go over it: emergency, urgent, routine or bulk."""
    usd_per_minute: float = 0.0
    increment_s: float = 0.0
    """Minutes are billed in whole steps of so many seconds; 0 for each second."""
    usd_per_message: float = 0.0
    message_bytes: int | None = None
    """How much one billed message carries."""
    usd_per_session: float = 0.0
    """What a contact costs before it has carried anything."""
    session_bytes_min: int = 0
    """A contact that carries less is billed as so many bytes."""
    session_s_min: float = 0.0
    """A contact that lasts less is billed as so many seconds: the first minute of a call."""
    cap_usd_per_day: float | None = None
    cap_bytes_per_day: int | None = None
    reserve_share: float = 0.25
    """Of the caps, kept for emergencies."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.hub_url is not None:
            _check_url(self.hub_url)
        if self.pin:
            _check_pin(self.pin, self.hub_url)
        if self.udp:
            _check_udp(self.udp)
        if self.bind:
            _check_bind(self.bind)
        if not 0 < self.poll_s < math.inf:
            raise BadRequest(
                f"poll-s must be a positive number of seconds, not {self.poll_s:g}. Nothing was changed."
            )
        if self.rate_bit_s <= 0 or not 0 <= self.rtt_s < math.inf:
            raise BadRequest("rate-bit-s and rtt-s must be positive numbers. Nothing was changed.")
        self._check_price()
        if self.floor not in FLOORS:
            raise BadRequest(
                f"A link's floor is {', '.join(FLOORS[:-1])} or {FLOORS[-1]}, not {self.floor!r}. "
                "Nothing was changed."
            )

    def _check_price(self) -> None:
        for name in _PRICES:
            if not 0 <= getattr(self, name) < math.inf:
                raise BadRequest(
                    f"{name.replace('_', '-')} cannot be {getattr(self, name):g}. Nothing was changed."
                )
        for name in ("cap_usd_per_day", "cap_bytes_per_day"):
            cap = getattr(self, name)
            if cap is not None and not 0 <= cap < math.inf:
                raise BadRequest(f"{name.replace('_', '-')} cannot be {cap:g}. Nothing was changed.")
        if not 0 <= self.reserve_share <= 1:
            raise BadRequest(
                f"reserve-share is a share from 0 to 1, not {self.reserve_share:g}. Nothing was changed."
            )
        if self.message_bytes is not None and self.message_bytes <= 0:
            raise BadRequest("message-bytes must be a positive number. Nothing was changed.")

    @property
    def way_out(self) -> WayOut | None:
        """None for wherever routes lead."""
        return parse_way_out(self.bind) if self.bind else None

    @property
    def tariff(self) -> Tariff:
        return Tariff(
            usd_per_megabyte=self.usd_per_megabyte,
            usd_per_minute=self.usd_per_minute,
            increment_s=self.increment_s,
            usd_per_message=self.usd_per_message,
            usd_per_session=self.usd_per_session,
            session_bytes_min=self.session_bytes_min,
            session_s_min=self.session_s_min,
        )

    @property
    def terms(self) -> LinkTerms:
        """As the scheduler reads them."""
        return LinkTerms(
            name=self.name,
            mode=self.mode,
            poll_s=self.poll_s,
            floor=Priority[self.floor.upper()],
            tariff=self.tariff,
            cap=LinkCap(
                usd_per_day=math.inf if self.cap_usd_per_day is None else self.cap_usd_per_day,
                bytes_per_day=math.inf if self.cap_bytes_per_day is None else self.cap_bytes_per_day,
                reserve_share=self.reserve_share,
            ),
            message_bytes=self.message_bytes,
        )


def _check_name(name: str) -> None:
    if not name.isprintable() or not 0 < len(name) <= NAME_CHARACTERS_MAX or name != name.strip():
        raise BadRequest(
            f"A link's name has 1 to {NAME_CHARACTERS_MAX} letters, figures or signs, and no space around "
            f"them, unlike {name!r}. Nothing was changed."
        )


def _check_udp(url: str) -> None:
    try:
        parts = urlsplit(url)
        extra = (parts.path, parts.query, parts.fragment, parts.username)
        bare = not any(extra) and not any(map(str.isspace, url))
        usable = bare and parts.scheme == "udp" and (parts.port or 0) > 0 and parts.hostname
        (parts.hostname or "").encode("idna")
    except ValueError:
        usable = False
    if not usable:
        raise BadRequest(
            f"A hub's UDP address looks like udp://hub.example:8471, not {url!r}. Nothing was changed."
        )


def _check_bind(bind: str) -> None:
    try:
        parse_way_out(bind)
    except MalformedWayOut as error:
        raise BadRequest(f"{error} Nothing was changed.") from error


def _check_pin(pin: str, hub_url: str | None) -> None:
    try:
        parse_pin(pin)
    except MalformedPin as error:
        raise BadRequest(f"{error} Nothing was changed.") from error
    if hub_url is not None and urlsplit(hub_url).scheme != "https":
        raise BadRequest(
            f"A key can only be pinned for https://, and the hub's address is {hub_url}. Nothing was "
            'changed. Give both together, or take the pin away with --pin "".'
        )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        bare = not (parts.query or parts.fragment or parts.username or any(map(str.isspace, url)))
        usable = bare and parts.scheme in ("http", "https") and (parts.port or 1) > 0 and parts.hostname
        # What no resolver could be asked for; a UnicodeError is a ValueError.
        (parts.hostname or "").encode("idna")
    except ValueError:
        usable = False
    if not usable:
        raise BadRequest(
            f"A hub's address looks like http://hub.example:8080, not {url!r}. Nothing was changed."
        )
