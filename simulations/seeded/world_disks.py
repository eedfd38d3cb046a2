"""All disks of a world of whole sites and a hub, read beside its programs: what custody stands where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from protocol.ids import BundleId, Pseudonym
from simulations.hosts.disk_ledger import DiskLedger
from simulations.hosts.hub_backups import HubBackups
from simulations.hosts.machine import Machine
from simulations.hosts.watched import Watch, watch_store
from sync.stores.sqlite import SqlitePairStore

HUB_CUSTODY: Final = "custody.db"
SITE_CUSTODY: Final = "spool.db"


class WorldDisks:
    """`simulations.hosts.watched.Disks`. A place is a site, or the hub's side of one: "hub:site-0"."""

    def __init__(
        self, hub: str, machine_of: Callable[[str], Machine], disk_lives: Callable[[str], int], backups: Path
    ) -> None:
        """`disk_lives`: how often a machine's disk was exchanged; `backups`: where the hub keeps its own."""
        self._hub = hub
        self._machine_of = machine_of
        self._disk_lives = disk_lives
        self._backups = HubBackups(backups)
        self._ledgers: dict[str, DiskLedger] = {}
        self._stores: dict[str, tuple[Pseudonym, SqlitePairStore]] = {}
        self.copies: dict[str, str] = {}
        """Second machines with one site's card, by name, and whose card it was."""

    @property
    def stores(self) -> Mapping[str, tuple[Pseudonym, SqlitePairStore]]:
        """Custody by place, of the lives that run."""
        return self._stores

    def open(self, place: str, pair: Pseudonym, store: SqlitePairStore, watch: Watch | None) -> None:
        """A machine has started, and `store` is its custody of this pair."""
        machine = self._machine_of(_host(place))
        ledger = self._ledgers.setdefault(
            place, DiskLedger(lambda: machine.folder / self._custody_at(place), pair)
        )
        # A site that enrolled anew has another pair.
        ledger.turn_to(pair)
        self._stores[place] = pair, store
        if watch is not None:
            watch_store(store, place, ledger, watch)

    def ledgers_on(self, host: str) -> list[DiskLedger]:
        return [ledger for place, ledger in self._ledgers.items() if _host(place) == host]

    def pending(self) -> tuple[tuple[str, bytes], ...]:
        """What is in custody as not received, by place."""
        ledgers = self._ledgers.items()
        return tuple((place, bundle) for place, ledger in ledgers for bundle in ledger.pending())

    def close(self) -> None:
        """Nobody asks any more."""
        for ledger in self._ledgers.values():
            ledger.close()

    # For the watch.

    def holds(self, place: str, bundle_id: BundleId) -> bool:
        return self._ledgers[place].holds(bundle_id)

    def backs_up(self, place: str, bundle_id: BundleId) -> bool:
        return _host(place) == self._hub and self._backups.holds(bundle_id)

    def syncs(self, place: str) -> int | None:
        return self._machine_of(_host(place)).power.synced.get(self._custody_at(place), 0)

    def disk_of(self, place: str) -> object:
        host = _host(place)
        return self._disk_lives(host), self._machine_of(host).power_cuts

    def peers_of(self, place: str) -> Sequence[str]:
        host, _, site = place.partition(":")
        if host == self._hub:
            return [site, *(copy for copy, of in self.copies.items() if of == site)]
        return [f"{self._hub}:{self.copies.get(place, place)}"]

    def _custody_at(self, place: str) -> str:
        return HUB_CUSTODY if _host(place) == self._hub else SITE_CUSTODY


def _host(place: str) -> str:
    return place.partition(":")[0]
