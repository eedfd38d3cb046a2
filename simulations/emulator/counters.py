"""What crossed an emulated link, in IP packets and IP bytes, for both directions at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulations.links import DirectionCounters


@dataclass(frozen=True, slots=True)
class LinkCounters:
    """`up` is site to hub; sent counts what the sender put on the line, lost packets included."""

    up: DirectionCounters = field(default_factory=DirectionCounters)
    down: DirectionCounters = field(default_factory=DirectionCounters)

    def __sub__(self, earlier: LinkCounters) -> LinkCounters:
        """What crossed between two readings."""
        return LinkCounters(up=self.up - earlier.up, down=self.down - earlier.down)

    @property
    def up_bytes_sent(self) -> int:
        return self.up.bytes_sent

    @property
    def up_bytes_delivered(self) -> int:
        return self.up.bytes_delivered

    @property
    def up_packets_sent(self) -> int:
        return self.up.packets_sent

    @property
    def down_bytes_sent(self) -> int:
        return self.down.bytes_sent

    @property
    def down_bytes_delivered(self) -> int:
        return self.down.bytes_delivered

    @property
    def down_packets_sent(self) -> int:
        return self.down.packets_sent
