"""Sees what happens in a whole run: stores of both ends, alarms, refusals; for the court, the trace and the
tables of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from protocol.ids import BundleId, Pseudonym
from simulations.checkers import Court
from simulations.checkers.observations import ContactPaid, Observation, PartFailed
from simulations.hosts.disk_ledger import DiskLedger
from simulations.hosts.foundation import HUB, site_name
from simulations.hosts.watched import Watch, watch_store
from simulations.report import AlarmRow
from simulations.virtual.loop import virtual_loop
from simulations.virtual.trace import Field, Trace
from sync.stores.sqlite import SqlitePairStore

from .bundles import BundleLog
from .moments import RunTime

Pending = tuple[str, bytes]
"""A place, and a bundle that it believes nobody else has."""


class Witness:
    """One for a run."""

    def __init__(
        self, court: Court, trace: Trace, time: RunTime, *, folder_of: Callable[[str], Path]
    ) -> None:
        """`folder_of`: where a machine's disk is now."""
        self._court = court
        self._trace = trace
        self._time = time
        self._folder_of = folder_of
        self._ledgers: dict[str, DiskLedger] = {}
        self._watch = Watch(self, self.observe, lambda place, event: None)
        self.bundles = BundleLog(time)
        self.alarms: list[AlarmRow] = []

    # For the watch.

    def holds(self, place: str, bundle_id: BundleId) -> bool:
        return self._ledgers[place].holds(bundle_id)

    def backs_up(self, place: str, bundle_id: BundleId) -> bool:
        """No hub of these worlds tells of backups: whatever is believed safe is not."""
        return False

    def peers_of(self, place: str) -> Sequence[str]:
        host, _, site = place.partition(":")
        return [site] if host == HUB else [f"{HUB}:{place}"]

    def syncs(self, place: str) -> int | None:
        """Power is never cut here, so nothing is lost that a sync had not confirmed."""
        return None

    def disk_of(self, place: str) -> object:
        """No disk of these worlds goes back."""
        return place

    # For people and programs.

    def observe(self, observation: Observation) -> None:
        self._court.observe(observation)
        self.bundles.observe(observation)
        place = getattr(observation, "place", "world")
        told = {
            name: value
            for name in ("bundle", "case", "record", "order")
            if (value := getattr(observation, name, None)) is not None
        }
        # Bills are read when all is over, and count in seconds of the run; all else is told as it happens.
        at_s = observation.at_s if isinstance(observation, ContactPaid) else self._time.now_s()
        self._trace.note(at_s, place, type(observation).__name__, **told)

    def alarm(self, alarm: AlarmRow) -> None:
        self.alarms.append(alarm)
        self.note("world" if alarm.site is None else site_name(alarm.site), "alarm", cause=alarm.cause)

    def refused(self, place: str, error: Exception) -> None:
        self.failed(f"somebody was refused: {type(error).__name__}: {error}", place)

    def failed(self, what: str, place: str = "a host") -> None:
        """A part of the product met what it had not foreseen."""
        self.observe(PartFailed(at_s=virtual_loop().time(), place=place, what=what))

    def note(self, who: str, what: str, **fields: Field) -> None:
        self._trace.note(self._time.now_s(), who, what, **fields)

    # The stores.

    def see_site(self, site: str, pair: Pseudonym, store: SqlitePairStore) -> None:
        """A site has opened its store."""
        self._see(site, pair, store, lambda: self._folder_of(site) / "spool.db")

    def see_hub(self, site: str, pair: Pseudonym, store: SqlitePairStore) -> None:
        """The hub has opened its store for a site."""
        self._see(f"{HUB}:{site}", pair, store, lambda: self._folder_of(HUB) / "custody.db")

    def _see(self, place: str, pair: Pseudonym, store: SqlitePairStore, path: Callable[[], Path]) -> None:
        watch_store(store, place, self._ledgers.setdefault(place, DiskLedger(path, pair)), self._watch)

    def pending(self) -> Iterator[Pending]:
        """What is still in custody somewhere."""
        for place, ledger in self._ledgers.items():
            for bundle in ledger.pending():
                yield place, bundle

    def close(self) -> None:
        """Nothing more will happen."""
        for ledger in self._ledgers.values():
            ledger.close()
