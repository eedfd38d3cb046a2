"""The way between two simulated hosts: a link's two directions, and what an unkind relay does in between.

The link itself is `simulations.links`; here its packets get cargo, moments and misfortunes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from simulations.links import (
    DirectionCounters,
    DirectionProfile,
    Fate,
    LinkModel,
    LinkProfile,
    ServicePlan,
    SharedChannel,
)

Land = Callable[[bytes], None]

LATE_S_MAX: Final = 90.0
"""So much later a relay repeats a packet, if nothing else is said: its session may be over by then."""
OVERTAKEN_S_MAX: Final = 2.0
TICK_S: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Mischief:
    """What happens to packets beside the loss of the link; each a share of them."""

    duplicates: float = 0.0
    replays: float = 0.0
    """Arrive a second time, up to `late_s` later."""
    late_s: float = LATE_S_MAX
    overtakes: float = 0.0
    """Arrive up to `OVERTAKEN_S_MAX` late, behind packets that left after them."""
    flips: float = 0.0
    """Arrive with one bit changed."""


class Way:
    """One direction."""

    def __init__(
        self,
        direction: DirectionProfile,
        service: ServicePlan,
        mischief: Mischief,
        seed: str,
        channel: SharedChannel | None = None,
    ) -> None:
        self.model = LinkModel(direction, seed=seed, service=service, channel=channel)
        self.mischief = mischief
        self._random = random.Random(f"mischief/{seed}")
        self._sent = self._delivered = self._dropped = 0
        self._sent_bytes = self._delivered_bytes = self._dropped_bytes = 0
        self._opened_s = asyncio.get_running_loop().time()

    @property
    def counters(self) -> DirectionCounters:
        """IP packets and bytes, as a carrier counts them; repeats by a relay are not on the bill."""
        return DirectionCounters(
            packets_sent=self._sent,
            packets_delivered=self._delivered,
            packets_dropped=self._dropped,
            bytes_sent=self._sent_bytes,
            bytes_delivered=self._delivered_bytes,
            bytes_dropped=self._dropped_bytes,
        )

    def carry(self, size_bytes: int, packet: bytes, land: Land) -> bool:
        """Send one packet of `size_bytes` with headers; whether it will arrive. `land` is called then."""
        loop = asyncio.get_running_loop()
        passage = self.model.offer(loop.time() - self._opened_s, size_bytes)
        self._sent += 1
        self.bill(size_bytes)
        if passage.fate is not Fate.ARRIVES:
            self._dropped += 1
            self._dropped_bytes += size_bytes
            return False
        self._delivered += 1
        self._delivered_bytes += size_bytes
        self._deliver(loop, self._opened_s + passage.arrives_s, packet, land)
        return True

    def account(self, size_bytes: int) -> None:
        """So much has crossed in packets that nobody played."""
        self.bill(size_bytes)
        self._delivered_bytes += size_bytes

    def bill(self, size_bytes: int) -> None:
        """The line takes so much, whatever becomes of it."""
        self._sent_bytes += size_bytes

    def wait_s(self, size_bytes: int) -> float:
        """Until the line takes a packet of this size."""
        now_s = asyncio.get_running_loop().time() - self._opened_s
        room_at_s = self.model.room_at_s(now_s, size_bytes)
        # Less than the clock can tell apart would come round for ever.
        return 0.0 if room_at_s <= now_s else max(room_at_s - now_s, TICK_S)

    def cut(self) -> None:
        """No service until `restore`; what is under way still arrives."""
        self.model.cut()

    def restore(self) -> None:
        self.model.restore(asyncio.get_running_loop().time() - self._opened_s)

    def _deliver(self, loop: asyncio.AbstractEventLoop, arrives_s: float, packet: bytes, land: Land) -> None:
        mischief = self.mischief
        if mischief.flips and self._random.random() < mischief.flips and packet:
            packet = self._flipped(packet)
        if mischief.overtakes and self._random.random() < mischief.overtakes:
            arrives_s += self._random.uniform(0.0, OVERTAKEN_S_MAX)
        loop.call_at(arrives_s, land, packet)
        if mischief.duplicates and self._random.random() < mischief.duplicates:
            loop.call_at(arrives_s + self._random.uniform(0.0, OVERTAKEN_S_MAX), land, packet)
        if mischief.replays and self._random.random() < mischief.replays:
            loop.call_at(arrives_s + self._random.uniform(0.0, mischief.late_s), land, packet)

    def _flipped(self, packet: bytes) -> bytes:
        bit = self._random.randrange(8 * len(packet))
        changed = bytearray(packet)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)


class Wire:
    """Both directions; `up` is from the site to the hub."""

    direction: ClassVar[type[Way]] = Way
    """Heirs that watch a direction name their own here."""

    def __init__(
        self,
        profile: LinkProfile,
        *,
        seed: int | str,
        mischief: Mischief | None = None,
        service: ServicePlan | None = None,
    ) -> None:
        """`service`: when the link serves, where more than its profile decides that."""
        service = service or ServicePlan.of(profile)
        channel = None if profile.half_duplex is None else SharedChannel(profile.half_duplex)
        make = partial(self.direction, service=service, mischief=mischief or Mischief(), channel=channel)
        self.profile = profile
        self._service = service
        self._opened_s = asyncio.get_running_loop().time()
        self.up = make(profile.up, seed=f"up/{seed}")
        self.down = make(profile.down, seed=f"down/{seed}")

    def serves(self, seconds: float) -> bool:
        """Whether packets pass from now on for so long, if nobody cuts it."""
        now_s = asyncio.get_running_loop().time() - self._opened_s
        is_up = self.up.model.is_up(now_s) and self.down.model.is_up(now_s)
        return is_up and self._service.next_down_s(now_s) > now_s + seconds

    def account(self, bytes_up: int, bytes_down: int) -> None:
        """A contact over it was accounted, not played."""
        self.up.account(bytes_up)
        self.down.account(bytes_down)

    def cut(self) -> None:
        self.up.cut()
        self.down.cut()

    def restore(self) -> None:
        self.up.restore()
        self.down.restore()

    @property
    def bytes_sent(self) -> int:
        """On the bill, both directions together."""
        return self.up.counters.bytes_sent + self.down.counters.bytes_sent
