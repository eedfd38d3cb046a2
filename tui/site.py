"""What the terminal knows of its site: the latest of what the daemon told, and nothing it did not tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfnode.views import AlarmView, CaseRow, StatusView, TransferView


@dataclass(slots=True)
class Site:
    """Kept by the shell, read by every screen."""

    status: StatusView | None = None
    cases: tuple[CaseRow, ...] = ()
    alarms: tuple[AlarmView, ...] = ()
    transfers: tuple[TransferView, ...] = ()
    trouble: str | None = None
    """Why what is shown may be old; None while the daemon is there."""
    rung: set[int] = field(default_factory=set)
    """Alarms whose bell has sounded in this terminal."""

    @property
    def unlocked(self) -> bool:
        return self.status is not None and self.status.vault == "unlocked"

    def lock(self) -> None:
        """Forget everything clinical: behind the lock screen nothing may be left to show."""
        self.cases, self.transfers = (), ()

    def row(self, case: str) -> CaseRow | None:
        return next((row for row in self.cases if row.case == case), None)

    def take_transfer(self, transfer: TransferView) -> None:
        """A progress report replaces what we knew of the same bundle: among those of its case and kind, as it
        names none, the unfinished one nearest in size."""
        alike = [at for at, each in enumerate(self.transfers) if _kind(each) == _kind(transfer)]
        if not alike:
            self.transfers = (*self.transfers, transfer)
            return
        at = min(alike, key=lambda at: _unlikeness(self.transfers[at], transfer))
        self.transfers = (*self.transfers[:at], transfer, *self.transfers[at + 1 :])

    def take_alarm(self, alarm: AlarmView) -> None:
        self.alarms = (*(each for each in self.alarms if each.alarm != alarm.alarm), alarm)

    def alarms_to_ring(self) -> bool:
        """Whether an alarm came that has not rung yet; it counts as rung from then on."""
        fresh = {alarm.alarm for alarm in self.alarms if alarm.acknowledged_by is None} - self.rung
        self.rung |= fresh
        return bool(fresh)


def _kind(transfer: TransferView) -> tuple[str | None, str, str, str]:
    """What is told every hub, as the list aboard, is as many bundles of one name."""
    return (transfer.case, transfer.what, transfer.direction, transfer.hub)


def _unlikeness(known: TransferView, report: TransferView) -> tuple[bool, int]:
    return (known.stored_s is not None, abs(known.size_bytes - report.size_bytes))
