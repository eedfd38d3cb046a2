"""Reading the casebook: every view, from snapshots that hold all that was saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from protocol.ids import BundleId, CaseId, Mailbox
from protocol.orders import Capability
from sfnode.domain.aboard import current_list
from sfnode.domain.case_file import CaseFile
from sfnode.domain.lifecycle import row_order
from sfnode.domain.plan import unread
from sfnode.domain.unreadable import damaged_row, erased_row
from sfnode.errors import NotFound
from sfnode.vault import alarms as alarm_rows
from sfnode.vault import asides
from sfnode.vault import outbox as outbox_rows
from sfnode.vault.entries import CASES_CACHED_MAX, Version, case_ids, versions
from sfnode.vault.hubs import Hub, present_hubs, read_hubs
from sfnode.vault.vault import Vault
from sfnode.views import AlarmView, CaseRow, CaseView, PlanView, TransferView
from sync.stores.connection import Connection, data_version
from sync.stores.erasures import all_erasures, erasure_of
from sync.stores.errors import StoreDamaged

from . import case_views
from .case_errors import case_erased
from .case_views import CaseHubs, Scene, case_hubs
from .clock import SiteClock
from .happenings import Quarantined
from .outgoing import Carriage, NothingCarried, Progress
from .outgoing_reader import OutgoingReader

Result = TypeVar("Result")

LISTED_MAX: Final = 200
"""Lines of a list that only looks back."""


class CaseReader(OutgoingReader):
    """The half of the casebook that changes nothing. Safe to call from any number of tasks of one loop."""

    def __init__(
        self, vault: Vault, *, clock: SiteClock, carriage: Carriage | None = None, language: str = "en"
    ) -> None:
        """Coded questions are shown in `language` where the catalogue speaks it."""
        super().__init__(vault, clock=clock)
        self._carriage = carriage or NothingCarried()
        self._language = language
        self._consults_at: int | None = None
        """Nothing was written to the vault since `_consults_kept` was read."""
        self._consults_kept: tuple[CaseFile, ...] = ()
        self._consults_dated: int | None = None
        """By the vault's changes: while there are no more, nobody need ask the disk."""

    async def find_case(self, name: str) -> CaseId:
        """By hex id, unique prefix of it, or short form ("C-7K2M", "7k2m"). `NotFound`, also when
        ambiguous."""
        consults = await self._read(self._named_cases)
        wanted = name.strip().casefold()
        named = [case_id for case_id in consults if wanted and case_id.hex().startswith(wanted)]
        shorts = (case_views.short_name(case_id).casefold() for case_id in consults)
        named += [
            case_id
            for case_id, short in zip(consults, shorts, strict=True)
            if wanted in (short, short.removeprefix("c-")) and case_id not in named
        ]
        if len(named) == 1:
            return named[0]
        if named:
            raise NotFound(f"{len(named)} cases could be meant by {name!r}. Type more of the id.")
        raise NotFound(f"There is no case {name!r} here. `sfnode case list` shows those there are.")

    async def capability(self) -> Capability | None:
        """The list aboard, None before the first."""
        return await self._read(self._newest_list)

    async def hub_of(self, case_id: CaseId) -> Mailbox:
        """The hub that a case is with. `NotFound`."""
        return (await self._read(lambda connection: self._consult(connection, case_id))).hub

    # Showing ----------------------------------------------------------------------------------------------

    async def case_rows(self) -> tuple[CaseRow, ...]:
        """All consults, those that need a person first, and what is left of those that cannot be read."""
        scenes = await self._scenes(self._consults)
        rows = [case_views.row_view(scene) for scene in scenes]
        return tuple(sorted((*rows, *await self._read(self._unreadable_rows)), key=row_order))

    async def case_row(self, case_id: CaseId) -> CaseRow:
        return case_views.row_view(await self._scene(case_id))

    async def case_view(self, case_id: CaseId) -> CaseView:
        return case_views.case_view(await self._scene(case_id))

    async def plan_view(self, case_id: CaseId) -> PlanView:
        return case_views.plan_view(await self._scene(case_id))

    async def transfer_views(self, case_id: CaseId | None = None) -> tuple[TransferView, ...]:
        """Upward transfers: each dispatch with the progress that the carriage knows."""

        def work(connection: Connection) -> tuple[tuple[outbox_rows.OutboxRow, ...], CaseHubs]:
            return outbox_rows.rows_of_case(connection, case_id), case_hubs(read_hubs(connection))

        rows, hubs = await self._read(work)
        return case_views.transfer_views(rows, await self._progress(rows), hubs)

    async def unread_replies(self) -> int:
        """Replies and immediate advice that nobody here has opened."""
        return sum(len(unread(case)) for case in await self._read(self._consults))

    async def read_blob(self, case_id: CaseId, blob: bytes) -> bytes:
        """One media layer's bytes, verified; `NotFound` when this case names no such layer, or it is not
        here."""
        case = await self._read(lambda connection: self._consult(connection, case_id))
        data = await self._vault.blobs.read(case_id, blob) if blob in named_blobs(case) else None
        if data is None:
            raise NotFound(f"There is no picture {blob.hex()} in this case.")
        return data

    async def quarantined(self) -> tuple[Quarantined, ...]:
        """What was kept aside, newest first, at most `LISTED_MAX`."""
        rows = await self._read(lambda connection: asides.newest(connection, LISTED_MAX))
        return tuple(Quarantined(name=entry_id.hex(), reason=reason) for entry_id, reason in rows)

    async def kept_aside(self, hub: Mailbox) -> int:
        """How many entries of that hub's may not stand."""
        return await self._read(lambda connection: asides.aside_count(connection, hub))

    async def alarms(self, *, open_only: bool = True) -> tuple[AlarmView, ...]:
        """Unacknowledged alarms, oldest first; with `open_only=False` the newest `LISTED_MAX` of any
        state."""
        if open_only:
            return await self._read(alarm_rows.open_alarms)
        return await self._read(lambda connection: alarm_rows.newest(connection, LISTED_MAX))

    # Inside -----------------------------------------------------------------------------------------------

    def _newest_list(self, connection: Connection) -> Capability | None:
        known = [self._capability(connection, hub) for hub in present_hubs(connection)]
        return max(filter(None, known), key=lambda each: each.version, default=None)

    def _capability(self, connection: Connection, hub: Hub) -> Capability | None:
        """What is aboard, as that hub was told."""
        return current_list(self._cache.read(connection, hub.site_case))

    def _consults(self, connection: Connection) -> tuple[CaseFile, ...]:
        """Those that can be read: a damaged one hides no other, and has its row in the list."""
        version = data_version(connection)
        if self._consults_at != version:
            known = versions(connection).items()
            cases = (self._undamaged(connection, case_id, at) for case_id, at in known)
            self._consults_kept = tuple(case for case in cases if case is not None and case.is_consult)
            # More than the cache keeps are not kept here either.
            self._consults_at = version if len(self._consults_kept) <= CASES_CACHED_MAX else None
        return self._consults_kept

    async def _consults_now(self) -> tuple[CaseFile, ...]:
        """The same for whoever looks every few minutes: of a vault in which nothing changed, from memory."""
        database = self._vault.database
        database.check_usable()
        changes = database.changes
        if self._consults_dated != changes:
            await self._read(self._consults)
            self._consults_dated = None if self._consults_at is None else changes
        return self._consults_kept

    def _undamaged(
        self, connection: Connection, case_id: CaseId, version: Version | None = None
    ) -> CaseFile | None:
        try:
            if version is not None:
                return self._cache.read_at(version, connection, case_id)
            return self._cache.read(connection, case_id)
        except StoreDamaged:
            return None

    def _damaged(self, connection: Connection) -> tuple[CaseId, ...]:
        return tuple(
            case_id
            for case_id in case_ids(connection)
            # What is in memory was read by whoever asked just before.
            if not self._cache.holds(case_id) and self._undamaged(connection, case_id) is None
        )

    def _unreadable_rows(self, connection: Connection) -> tuple[CaseRow, ...]:
        damaged = [
            damaged_row(case_id, short=case_views.short_name(case_id))
            for case_id in self._damaged(connection)
        ]
        erased = [
            erased_row(erasure, short=case_views.short_name(erasure.case_id))
            for erasure in all_erasures(connection)
        ]
        return (*damaged, *erased)

    def _named_cases(self, connection: Connection) -> tuple[CaseId, ...]:
        """Every case that a person may name, also to be told that it cannot be read."""
        return (
            *(case.case_id for case in self._consults(connection)),
            *self._damaged(connection),
            *(erasure.case_id for erasure in all_erasures(connection)),
        )

    def _consult(self, connection: Connection, case_id: CaseId) -> CaseFile:
        case = self._cache.read(connection, case_id)
        if case is None and (erasure := erasure_of(connection, case_id)) is not None:
            raise case_erased(erasure)
        if case is None or not case.is_consult:
            raise NotFound(
                f"There is no case {case_id.hex()} here. `sfnode case list` shows those there are."
            )
        return case

    async def _scene(self, case_id: CaseId) -> Scene:
        return (await self._scenes(lambda connection: (self._consult(connection, case_id),)))[0]

    async def _scenes(self, cases: Callable[[Connection], tuple[CaseFile, ...]]) -> tuple[Scene, ...]:
        now = self._now()

        def work(connection: Connection) -> tuple[Scene, ...]:
            hubs = read_hubs(connection)
            aboard = {hub.hub: self._capability(connection, hub) for hub in hubs}
            return tuple(
                Scene(
                    case=case,
                    rows=outbox_rows.rows_of_case(connection, case.case_id),
                    progress={},
                    alarms=len(alarm_rows.open_alarms(connection, case.case_id)),
                    capability=aboard.get(case.hub),
                    hubs=case_hubs(hubs),
                    now=now,
                    language=self._language,
                )
                for case in cases(connection)
            )

        scenes = await self._read(work)
        progress = await self._progress(tuple(row for scene in scenes for row in scene.rows))
        return tuple(replace(scene, progress=progress) for scene in scenes)

    async def _progress(self, rows: tuple[outbox_rows.OutboxRow, ...]) -> Mapping[BundleId, Progress]:
        sealed = [row.bundle_id for row in rows if row.bundle_id is not None]
        return await self._carriage.progress(sealed) if sealed else {}


def named_blobs(case: CaseFile) -> frozenset[bytes]:
    """Hashes that a signed manifest of the case names."""
    media = [record.body for record in case.state.media]
    return frozenset(
        [layer.blob for body in media for layer in body.layers] + [body.source for body in media]
    )
