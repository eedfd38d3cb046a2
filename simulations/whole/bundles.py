"""Every bundle of a run as the stores of both ends saw it: when it was queued, and when it was durable."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.header import Priority
from simulations.checkers.observations import BundleAdded, BytesHandedOut, Observation, ReceiptWritten
from simulations.hosts.foundation import HUB

from .moments import RunTime


@dataclass(slots=True, kw_only=True)
class Seen:
    """One bundle."""

    bundle: bytes
    site: str
    up: bool
    priority: Priority
    size_bytes: int
    queued_s: float
    stored_s: float | None = None


class BundleLog:
    """Listens to what the stores of all machines do."""

    def __init__(self, time: RunTime) -> None:
        self._time = time
        self.seen: dict[bytes, Seen] = {}
        self.emergencies_s: dict[str, list[float]] = {}
        """When a piece of an emergency went out, to a site or from it."""

    def observe(self, observation: Observation) -> None:
        match observation:
            case BundleAdded():
                self._added(observation)
            case ReceiptWritten():
                self._stored(observation)
            case BytesHandedOut(priority=Priority.EMERGENCY):
                at_s = self._time.of_loop_s(observation.at_s)
                self.emergencies_s.setdefault(_site_of(observation.place), []).append(at_s)

    def had_emergency(self, site: str, from_s: float, until_s: float) -> bool:
        """Whether one waited there, if only to find nobody, or went out, to the site or from it."""
        return any(from_s <= at_s <= until_s for at_s in self.emergencies_s.get(site, [])) or any(
            each.up
            and each.site == site
            and each.priority is Priority.EMERGENCY
            and each.queued_s <= until_s
            and (each.stored_s is None or from_s <= each.stored_s)
            for each in self.seen.values()
        )

    def _added(self, added: BundleAdded) -> None:
        self.seen.setdefault(
            added.bundle,
            Seen(
                bundle=added.bundle,
                site=_site_of(added.place),
                up=added.place == _site_of(added.place),
                priority=added.priority,
                size_bytes=added.size_bytes,
                queued_s=self._time.of_loop_s(added.at_s),
            ),
        )

    def _stored(self, written: ReceiptWritten) -> None:
        seen = self.seen.get(written.bundle)
        if seen is not None and seen.stored_s is None:
            seen.stored_s = self._time.of_loop_s(written.at_s)


def _site_of(place: str) -> str:
    """Of a site, or of the hub's store for it."""
    return place.removeprefix(f"{HUB}:")
