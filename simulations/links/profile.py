"""What a link is like: rates, delay, loss, queue, price and outages, as checked immutable data.

Everything here is valid once constructed; a value that no link can have raises `ValueError`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

RATE_BIT_S_MAX = 10_000_000_000.0
DELAY_MS_MAX = 600_000.0  # Ten minutes one way: Jupiter-like, beyond any link to a patient.
QUEUE_BYTES_MAX = 256 * 1024 * 1024
MTU_BYTES_MIN = 68  # RFC 791: every IPv4 link carries 68 bytes unfragmented.
MTU_BYTES_MAX = 65_535
PRICE_USD_MAX = 10_000.0
OUTAGES_MAX = 10_000
DURATION_S_MAX = 10 * 365 * 86_400.0
BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class BurstLoss:
    """Gilbert-Elliott loss: a two-state chain, stepped once per packet, each state with its own loss."""

    to_bad: float  # p: good → bad
    to_good: float  # r: bad → good
    loss_good: float = 0.0
    loss_bad: float = 1.0

    def __post_init__(self) -> None:
        for name in ("to_bad", "to_good", "loss_good", "loss_bad"):
            _require_range(name, getattr(self, name), 0.0, 1.0)
        if self.to_bad + self.to_good == 0.0:
            raise ValueError("to_bad and to_good are both 0, so the link could never change state")

    @property
    def loss_mean(self) -> float:
        """The share of packets lost over a long time."""
        share_bad = self.to_bad / (self.to_bad + self.to_good)
        return share_bad * self.loss_bad + (1.0 - share_bad) * self.loss_good


@dataclass(frozen=True, slots=True)
class DirectionProfile:
    """One direction of a link; `delay_ms` is one way and excludes the time a packet takes to send."""

    rate_bit_s: float
    delay_ms: float
    queue_bytes: int
    jitter_ms: float = 0.0  # Uniform in ± this, around the delay.
    loss: float = 0.0  # Independent, per packet.
    burst: BurstLoss | None = None

    def __post_init__(self) -> None:
        _require_range("rate_bit_s", self.rate_bit_s, 1.0, RATE_BIT_S_MAX)
        _require_range("delay_ms", self.delay_ms, 0.0, DELAY_MS_MAX)
        _require_range("jitter_ms", self.jitter_ms, 0.0, DELAY_MS_MAX)
        _require_range("loss", self.loss, 0.0, 1.0)
        _require_range("queue_bytes", self.queue_bytes, MTU_BYTES_MIN, QUEUE_BYTES_MAX)
        if self.jitter_ms > self.delay_ms:
            raise ValueError(
                f"jitter_ms is {self.jitter_ms:g}: more than delay_ms {self.delay_ms:g}, "
                "so a packet could arrive before it was sent"
            )

    @property
    def loss_mean(self) -> float:
        """The share of packets lost over a long time, from both kinds of loss."""
        burst_mean = self.burst.loss_mean if self.burst else 0.0
        return 1.0 - (1.0 - self.loss) * (1.0 - burst_mean)

    def serialisation_s(self, length_bytes: int) -> float:
        """How long the line is busy with this many IP bytes."""
        return length_bytes * 8.0 / self.rate_bit_s


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the carrier bills for one session over the link, both directions together."""

    usd_per_mb: float = 0.0
    usd_per_minute: float = 0.0
    usd_per_message: float = 0.0
    increment_s: float = 0.0  # Connected time is rounded up to a multiple of this; 0 bills exactly.
    session_bytes_min: int = 0  # A session that carries less is billed as this.

    def __post_init__(self) -> None:
        for name in ("usd_per_mb", "usd_per_minute", "usd_per_message"):
            _require_range(name, getattr(self, name), 0.0, PRICE_USD_MAX)
        _require_range("increment_s", self.increment_s, 0.0, 86_400.0)
        _require_range("session_bytes_min", self.session_bytes_min, 0, BYTES_PER_MB * 1000)

    def cost_usd(self, *, ip_bytes: int, connected_s: float = 0.0, messages: int = 0) -> float:
        """The price of one session that moved `ip_bytes` in `connected_s`."""
        billed_s = connected_s
        if self.increment_s > 0.0:
            billed_s = math.ceil(connected_s / self.increment_s) * self.increment_s
        billed_bytes = max(ip_bytes, self.session_bytes_min) if ip_bytes else 0
        return (
            self.usd_per_mb * billed_bytes / BYTES_PER_MB
            + self.usd_per_minute * billed_s / 60.0
            + self.usd_per_message * messages
        )


@dataclass(frozen=True, slots=True)
class Outage:
    """A span without service, counted from the moment the link is opened."""

    start_s: float
    duration_s: float

    def __post_init__(self) -> None:
        _require_range("start_s", self.start_s, 0.0, DURATION_S_MAX)
        if self.duration_s <= 0.0:
            raise ValueError(f"duration_s is {self.duration_s:g}: an outage lasts longer than nothing")
        _require_range("duration_s", self.duration_s, 0.0, DURATION_S_MAX)

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Cycle:
    """Service that comes and goes for ever: up for `up_s`, then down for `down_s`."""

    up_s: float
    down_s: float

    def __post_init__(self) -> None:
        for name in ("up_s", "down_s"):
            value = getattr(self, name)
            if not 0.0 < value <= DURATION_S_MAX:
                raise ValueError(f"{name} is {value:g}: it must be more than 0 and at most ten years")


@dataclass(frozen=True, slots=True)
class LinkProfile:
    """A link as data; `up` is from the site to the hub."""

    name: str
    title: str
    source: str
    up: DirectionProfile
    down: DirectionProfile
    mtu_bytes: int
    tariff: Tariff = field(default_factory=Tariff)
    outages: tuple[Outage, ...] = ()
    cycle: Cycle | None = None

    def __post_init__(self) -> None:
        for name in ("name", "title", "source"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")
        _require_range("mtu_bytes", self.mtu_bytes, MTU_BYTES_MIN, MTU_BYTES_MAX)
        for way, direction in (("up", self.up), ("down", self.down)):
            if direction.queue_bytes < self.mtu_bytes:
                raise ValueError(
                    f"{way}.queue_bytes is {direction.queue_bytes}: smaller than one packet "
                    f"of mtu_bytes {self.mtu_bytes}"
                )
        _require_order(self.outages)

    @property
    def rtt_ms(self) -> float:
        """The round trip of a packet too small to take time to send."""
        return self.up.delay_ms + self.down.delay_ms

    def upload_bound_s(self, sealed_bytes: int) -> float:
        """The physical bound to send this many bytes and hear that they arrived."""
        return self.up.serialisation_s(sealed_bytes) + self.rtt_ms / 1000.0


def _require_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # Also refuses NaN, which compares false with everything.
        raise ValueError(f"{name} is {value:g}: it must lie between {low:g} and {high:g}")


def _require_order(outages: tuple[Outage, ...]) -> None:
    if len(outages) > OUTAGES_MAX:
        raise ValueError(f"{len(outages)} outages: at most {OUTAGES_MAX} are taken")
    for earlier, later in pairwise(outages):
        if later.start_s < earlier.end_s:
            raise ValueError(
                f"the outage at {later.start_s:g} s starts before the one at {earlier.start_s:g} s ends"
            )
