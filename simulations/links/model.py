"""One direction of a link: a serialising line with a drop-tail buffer, delay, jitter, loss and outages.

Pure: `now_s` is an argument, randomness comes from a seed, and nothing is carried but lengths.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from .capacity import Capacity, ConstantCapacity, TracedCapacity
from .profile import BurstLoss, DirectionProfile, HalfDuplex, LinkProfile
from .service import ServicePlan


class Fate(StrEnum):
    """What becomes of a packet that was offered to the line."""

    ARRIVES = "arrives"
    QUEUE_FULL = "queue-full"
    LOST = "lost"  # In the air: it took its time on the line.
    NO_SERVICE = "no-service"


@dataclass(frozen=True, slots=True)
class Passage:
    """The answer for one packet; `arrives_s` is when it would arrive, if its fate is to arrive."""

    fate: Fate
    departs_s: float
    arrives_s: float


@dataclass(frozen=True, slots=True)
class DirectionCounters:
    """IP packets and bytes of one direction; what is neither delivered nor dropped is under way."""

    packets_sent: int = 0
    packets_delivered: int = 0
    packets_dropped: int = 0
    bytes_sent: int = 0
    bytes_delivered: int = 0
    bytes_dropped: int = 0

    def __sub__(self, earlier: DirectionCounters) -> DirectionCounters:
        return DirectionCounters(
            packets_sent=self.packets_sent - earlier.packets_sent,
            packets_delivered=self.packets_delivered - earlier.packets_delivered,
            packets_dropped=self.packets_dropped - earlier.packets_dropped,
            bytes_sent=self.bytes_sent - earlier.bytes_sent,
            bytes_delivered=self.bytes_delivered - earlier.bytes_delivered,
            bytes_dropped=self.bytes_dropped - earlier.bytes_dropped,
        )


class SharedChannel:
    """The one channel of a half-duplex link: who spoke last, and until when."""

    def __init__(self, terms: HalfDuplex) -> None:
        self._turnaround_s = terms.turnaround_ms / 1000.0
        self._speaker: LinkModel | None = None
        self._free_s = 0.0

    def free_s(self, speaker: LinkModel) -> float:
        """When this direction may begin to send, turning the channel round if it must."""
        is_turn = self._speaker is not None and self._speaker is not speaker
        return self._free_s + (self._turnaround_s if is_turn else 0.0)

    def take(self, speaker: LinkModel, until_s: float) -> None:
        """This direction holds the channel until then."""
        self._speaker, self._free_s = speaker, until_s

    def clear(self, now_s: float) -> None:
        """Nobody speaks any more."""
        self._free_s = min(self._free_s, now_s)


class LinkModel:
    """Says when each offered packet leaves and arrives, or why it does not."""

    def __init__(
        self,
        direction: DirectionProfile,
        *,
        seed: int | str,
        service: ServicePlan | None = None,
        channel: SharedChannel | None = None,
    ) -> None:
        self.direction = direction
        self._service = service or ServicePlan()
        self._channel = channel
        self._random = random.Random(seed)
        self._capacity: Capacity = (
            TracedCapacity(direction.trace) if direction.trace else ConstantCapacity(direction.rate_bit_s)
        )
        self._line_free_s = 0.0
        self._last_arrival_s = 0.0
        self._in_bad_state = False
        self._is_cut = False

    def is_up(self, now_s: float) -> bool:
        """False while cut or during an outage of the profile."""
        return not self._is_cut and self._service.is_up(now_s)

    def backlog_bytes(self, now_s: float) -> float:
        """What still waits for the line, the packet being sent included."""
        if self._line_free_s <= now_s:
            return 0.0
        return self._capacity.bits_between(now_s, self._line_free_s) / 8.0

    def room_at_s(self, now_s: float, length_bytes: int) -> float:
        """The first moment at which a packet of this length finds room in the buffer."""
        excess_bytes = self.backlog_bytes(now_s) + length_bytes - self.direction.queue_bytes
        if excess_bytes <= 0.0:
            return now_s
        has_room_s = self._capacity.finish_s(now_s, excess_bytes * 8.0)
        return min(has_room_s, max(now_s, self._line_free_s))

    def offer(self, now_s: float, length_bytes: int) -> Passage:
        """Put one IP packet on the line; `now_s` must not go backwards."""
        if not self.is_up(now_s):
            return Passage(Fate.NO_SERVICE, now_s, now_s)
        backlog = self.backlog_bytes(now_s)
        # An idle line takes any packet: it goes straight out and never waits in the buffer.
        if backlog > 0.0 and backlog + length_bytes > self.direction.queue_bytes:
            return Passage(Fate.QUEUE_FULL, now_s, now_s)
        begins_s = max(now_s, self._line_free_s)
        if self._channel is not None:
            begins_s = max(begins_s, self._channel.free_s(self))
        departs_s = self._capacity.finish_s(begins_s, length_bytes * 8.0)
        self._line_free_s = departs_s
        if self._channel is not None:
            self._channel.take(self, departs_s)
        # Bearers deliver in order, so jitter delays whatever is behind instead of reordering it.
        arrives_s = max(self._last_arrival_s, departs_s + self._delay_s())
        self._last_arrival_s = arrives_s
        return Passage(self._fate(now_s, arrives_s), departs_s, arrives_s)

    def cut(self) -> None:
        """Lose service until `restore`; the caller discards what it still holds under way."""
        self._is_cut = True

    def restore(self, now_s: float) -> None:
        """Give service back, with an empty buffer."""
        self._is_cut = False
        self._line_free_s = min(self._line_free_s, now_s)
        self._last_arrival_s = min(self._last_arrival_s, now_s)
        if self._channel is not None:
            self._channel.clear(now_s)

    def _delay_s(self) -> float:
        jitter_ms = self.direction.jitter_ms
        offset_ms = self._random.uniform(-jitter_ms, jitter_ms) if jitter_ms else 0.0
        return (self.direction.delay_ms + offset_ms) / 1000.0

    def _fate(self, now_s: float, arrives_s: float) -> Fate:
        lost = self._random.random() < self.direction.loss
        if self.direction.burst is not None:
            lost = self._burst_loses(self.direction.burst) or lost
        if self._service.next_down_s(now_s) < arrives_s:
            return Fate.NO_SERVICE
        return Fate.LOST if lost else Fate.ARRIVES

    def _burst_loses(self, burst: BurstLoss) -> bool:
        leaves = burst.to_good if self._in_bad_state else burst.to_bad
        if self._random.random() < leaves:
            self._in_bad_state = not self._in_bad_state
        return self._random.random() < (burst.loss_bad if self._in_bad_state else burst.loss_good)


def open_models(profile: LinkProfile, seed: int | str) -> tuple[LinkModel, LinkModel]:
    """Both directions of a link, up first, with their outages, and the channel they share if they do."""
    service = ServicePlan.of(profile, seed)
    channel = SharedChannel(profile.half_duplex) if profile.half_duplex is not None else None
    return (
        LinkModel(profile.up, seed=f"up/{seed}", service=service, channel=channel),
        LinkModel(profile.down, seed=f"down/{seed}", service=service, channel=channel),
    )
