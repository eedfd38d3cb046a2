"""What a link is like: rates, delay, loss, queue, price and outages, as checked immutable data.

Everything here is valid once constructed; a value that no link can have raises `ValueError`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .capacity import RATE_BIT_S_MAX, RateTrace
from .outages import DURATION_S_MAX, Cycle, Orbit, Outage, RandomOutages, require_order
from .ranges import require_name, require_range, require_text
from .tariff import Tariff

DELAY_MS_MAX = 600_000.0  # Ten minutes one way: Jupiter-like, beyond any link to a patient.
QUEUE_BYTES_MAX = 256 * 1024 * 1024
MTU_BYTES_MIN = 68  # RFC 791: every IPv4 link carries 68 bytes unfragmented.
MTU_BYTES_MAX = 65_535
MESSAGE_BYTES_MAX = 1 << 44  # A disk in a bag is a message too.
COPIES_MAX = 16


@dataclass(frozen=True, slots=True)
class BurstLoss:
    """Gilbert-Elliott loss: a two-state chain, stepped once per packet, each state with its own loss."""

    to_bad: float  # p: good → bad
    to_good: float  # r: bad → good
    loss_good: float = 0.0
    loss_bad: float = 1.0

    def __post_init__(self) -> None:
        for name in ("to_bad", "to_good", "loss_good", "loss_bad"):
            require_range(name, getattr(self, name), 0.0, 1.0)
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
    """The mean, where a recording gives the rate of each moment."""
    delay_ms: float
    queue_bytes: int
    jitter_ms: float = 0.0  # Uniform in ± this, around the delay.
    loss: float = 0.0  # Independent, per packet.
    burst: BurstLoss | None = None
    trace: RateTrace | None = None

    def __post_init__(self) -> None:
        require_range("rate_bit_s", self.rate_bit_s, 1.0, RATE_BIT_S_MAX)
        require_range("delay_ms", self.delay_ms, 0.0, DELAY_MS_MAX)
        require_range("jitter_ms", self.jitter_ms, 0.0, DELAY_MS_MAX)
        require_range("loss", self.loss, 0.0, 1.0)
        require_range("queue_bytes", self.queue_bytes, MTU_BYTES_MIN, QUEUE_BYTES_MAX)
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
        """How long the line is busy with this many IP bytes, at its mean rate."""
        return length_bytes * 8.0 / self.rate_bit_s


@dataclass(frozen=True, slots=True)
class HalfDuplex:
    """Both directions share one channel; whoever was silent waits until the other's buffer is empty."""

    turnaround_ms: float

    def __post_init__(self) -> None:
        require_range("turnaround_ms", self.turnaround_ms, 0.0, DELAY_MS_MAX)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A link that carries whole messages and no packets: satellite short bursts, e-mail, a bag on a boat."""

    up_bytes_max: int
    down_bytes_max: int
    interval_s: float
    """Between two messages of one direction: what the modem takes for one, or the days between two boats."""
    delay_s_min: float
    delay_s_max: float
    loss: float = 0.0
    copies_max: int = 1
    """How often one message may arrive at the most."""
    first_departure_s: float | None = None
    """Of a timetable, by which messages leave every `interval_s` whether one waits or not. None: a message
    leaves as soon as the one before it has been gone for that long."""

    def __post_init__(self) -> None:
        if self.first_departure_s is not None:
            require_range("first_departure_s", self.first_departure_s, 0.0, DURATION_S_MAX)
            if self.interval_s == 0.0:
                raise ValueError("first_departure_s needs an interval_s: a timetable has a next departure")
        require_range("up_bytes_max", self.up_bytes_max, 1, MESSAGE_BYTES_MAX)
        require_range("down_bytes_max", self.down_bytes_max, 1, MESSAGE_BYTES_MAX)
        require_range("interval_s", self.interval_s, 0.0, DURATION_S_MAX)
        require_range("delay_s_min", self.delay_s_min, 0.0, DURATION_S_MAX)
        require_range("delay_s_max", self.delay_s_max, self.delay_s_min, DURATION_S_MAX)
        require_range("loss", self.loss, 0.0, 1.0)
        require_range("copies_max", self.copies_max, 1, COPIES_MAX)


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
    random_outages: RandomOutages | None = None
    orbit: Orbit | None = None
    half_duplex: HalfDuplex | None = None
    mailbox: Mailbox | None = None

    def __post_init__(self) -> None:
        require_name("name", self.name)
        require_text("title", self.title)
        require_text("source", self.source)
        require_range("mtu_bytes", self.mtu_bytes, MTU_BYTES_MIN, MTU_BYTES_MAX)
        for way, direction in (("up", self.up), ("down", self.down)):
            if direction.queue_bytes < self.mtu_bytes:
                raise ValueError(
                    f"{way}.queue_bytes is {direction.queue_bytes}: smaller than one packet "
                    f"of mtu_bytes {self.mtu_bytes}"
                )
        require_order(self.outages)

    @property
    def rtt_ms(self) -> float:
        """The round trip of a packet too small to take time to send."""
        return self.up.delay_ms + self.down.delay_ms

    def upload_bound_s(self, sealed_bytes: int) -> float:
        """The physical bound to send this many bytes and hear that they arrived."""
        return self.up.serialisation_s(sealed_bytes) + self.rtt_ms / 1000.0
