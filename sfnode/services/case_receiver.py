"""The casebook's way in: hubs are joined, and what they send is verified, judged and applied.

Law: what a hub sends counts in its own cases alone, and what a method has returned from is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from protocol.bundle import BundleContent, EntryBundle, LayerBundle
from protocol.enrolment import HubKeys, PairSecrets
from protocol.errors import BundleRefused
from protocol.ids import BundleId, CaseId, Mailbox, Pseudonym, mailbox_of
from protocol.micro import MicroBundle, read_micro
from sfnode.domain.moments import Moment
from sfnode.errors import NotEnrolled
from sfnode.vault import outbox
from sfnode.vault.arrived import note_announced, note_arrived
from sfnode.vault.directory import read_identity
from sfnode.vault.entries import hub_address
from sfnode.vault.hubs import Hub, keep_hub, read_hub
from sfnode.vault.vault import Vault
from sync.stores.connection import Connection
from sync.stores.erasures import count_late, is_erased

from . import sending
from .case_reader import CaseReader, named_blobs
from .clock import SiteClock
from .giving_back import give_back_bundles, queue_all_again
from .happenings import (
    NOT_ITS_CASE,
    AlarmRaised,
    CasebookEvent,
    CaseChanged,
    CaseNotHere,
    ForeignCase,
    Ingested,
    OutboxGrew,
)
from .ingest import ingest_entries, ingest_waiting
from .joining import introduce_site
from .outgoing import Carriage
from .provisional import ingest_micro
from .writing import Occasion, Pen

Result = TypeVar("Result")

LAYERS_UNNAMED_MAX: Final = 16
"""Received layers of a case that no manifest names yet: they may come first, but not fill the disk."""


class CaseReceiver(CaseReader):
    """The part of the casebook that hubs write to. Safe to call from any number of tasks of one loop."""

    def __init__(
        self,
        vault: Vault,
        *,
        clock: SiteClock,
        carriage: Carriage | None = None,
        language: str = "en",
        observer: Callable[[CasebookEvent], None] = lambda event: None,
    ) -> None:
        super().__init__(vault, clock=clock, carriage=carriage, language=language)
        self._observer = observer

    # The site and its hub ---------------------------------------------------------------------------------

    async def join_hub(self, keys: HubKeys, secrets: PairSecrets) -> Hub:
        """Keep what enrolment gave (`pair_secrets(...)`) and queue who works here, ahead of everything.

        One more hub, or a known one; repeating it with the same one changes nothing but its keys.
        """
        occasion = self._occasion()
        mailbox = mailbox_of(keys.organisation, keys.hub_name)

        def work(connection: Connection) -> Hub:
            own_key = read_identity(connection).signing_public
            before = read_hub(connection, mailbox)
            kept = keep_hub(connection, keys, secrets, own_key=own_key)
            if before is not None and before.pseudonym != kept.pseudonym:
                queue_all_again(connection, kept, now_s=occasion.now.wall_s)
            introduce_site(Pen(connection, occasion), kept)
            return kept

        joined = await self._vault.database.write(work)
        self._observer(OutboxGrew())
        # What the new keys signed may have come ahead of them.
        await self._ingest(0.0, lambda connection, first_seen, now_s: ingest_waiting(connection, now_s=now_s))
        return joined

    # Coming in --------------------------------------------------------------------------------------------

    async def ingest(
        self,
        content: BundleContent,
        hub: Mailbox,
        *,
        waited_s: float | None = 0.0,
        came_as: tuple[Pseudonym, BundleId] | None = None,
    ) -> Ingested:
        """Of what that hub has sent: verify, check authority and apply in one transaction; idempotent, and
        any order gives the same cases.

        An entry that may not stand is kept aside with its reason and applied to nothing; a picture that may
        not be kept raises `BundleRefused` and stays in custody. Nothing joins a case with another hub.
        `waited_s` is how long the bundle lay here unopened (a locked vault), so that "valid for" runs from
        its arrival; None: cannot be told. `came_as` names the bundle that it came in, by which the hub may
        ask for it back.
        """
        if isinstance(content, LayerBundle):
            return await self._ingest_layer(content, hub)
        if isinstance(content, MicroBundle):
            return await self._ingest_micro(content, hub, waited_s, came_as)
        return await self._ingest_entries(content, hub, waited_s, came_as)

    async def _ingest_entries(
        self,
        content: EntryBundle,
        hub: Mailbox,
        waited_s: float | None,
        came_as: tuple[Pseudonym, BundleId] | None,
    ) -> Ingested:
        def work(connection: Connection, first_seen: Moment, now_s: int) -> Ingested:
            sender = _joined(connection, hub)
            if came_as is not None:
                note_arrived(connection, *came_as, content.entries)
            return ingest_entries(connection, content.entries, hub=sender, first_seen=first_seen, now_s=now_s)

        ingested = await self._ingest(waited_s, work)
        for case_id in sorted(ingested.given_back):
            await self._with_pen(partial(sending.send_given_back, case_id=case_id))
            self._observer(OutboxGrew())
        return ingested

    async def _ingest_micro(
        self,
        content: MicroBundle,
        hub: Mailbox,
        waited_s: float | None,
        came_as: tuple[Pseudonym, BundleId] | None,
    ) -> Ingested:
        def work(connection: Connection, first_seen: Moment, now_s: int) -> Ingested:
            sender = _joined(connection, hub)
            ingested = ingest_micro(connection, content, hub=sender, first_seen=first_seen)
            if came_as is not None:
                note_announced(connection, *came_as, read_micro(content).covers)
            return ingested

        return await self._ingest(waited_s, work)

    async def _ingest(
        self, waited_s: float | None, work: Callable[[Connection, Moment, int], Ingested]
    ) -> Ingested:
        """Apply in one transaction, then tell."""
        now = self._now()
        first_seen = now.untold() if waited_s is None else now.earlier_by(waited_s)
        ingested = await self._vault.database.write(
            lambda connection: work(connection, first_seen, now.wall_s)
        )
        for case_id in sorted(ingested.cases):
            self._observer(CaseChanged(case_id=case_id))
        for alarm in ingested.alarms:
            self._observer(AlarmRaised(alarm=alarm))
        return ingested

    async def _ingest_layer(self, content: LayerBundle, hub: Mailbox) -> Ingested:
        """Kept for a case of that hub's that is known; shown once a signed manifest names it."""
        keeper = await self._read(lambda connection: hub_address(connection, content.case_id))
        if keeper not in (None, hub):
            raise ForeignCase(NOT_ITS_CASE)
        case = await self._read(lambda connection: self._cache.read(connection, content.case_id))
        if case is None and await self._dropped_late_layer(content.case_id):
            return Ingested(applied=(), known=(), quarantined=(), cases=frozenset(), alarms=())
        if case is None:
            raise CaseNotHere("a picture came for a case that is not known here")
        held, named = await self._vault.blobs.held(content.case_id), named_blobs(case)
        if content.blob not in held | named and len(held - named) >= LAYERS_UNNAMED_MAX:
            raise BundleRefused(f"{LAYERS_UNNAMED_MAX} pictures of this case wait for a manifest already")
        await self._vault.blobs.keep(content.case_id, content.data)
        self._observer(CaseChanged(case_id=content.case_id))
        cases = frozenset({content.case_id})
        return Ingested(applied=(), known=(), quarantined=(), cases=cases, alarms=())

    async def _dropped_late_layer(self, case_id: CaseId) -> bool:
        """Whether it is of an erased case: it is counted, and its bytes are not kept."""

        def work(connection: Connection) -> bool:
            if not is_erased(connection, case_id):
                return False
            count_late(connection, case_id)
            return True

        return await self._vault.database.write(work)

    async def give_back(self, hub: Mailbox, bundle_ids: Sequence[BundleId]) -> int:
        """Queue again what these bundles of that hub's have brought, for it has lost them; of how many
        nothing can be given back."""
        now_s = self._now().wall_s
        missing = await self._vault.database.write(
            lambda connection: give_back_bundles(
                connection, _joined(connection, hub), bundle_ids, now_s=now_s
            )
        )
        self._observer(OutboxGrew())
        return missing

    async def sealed(self, row: int, bundle_id: BundleId) -> None:
        """The spool has custody of it: it leaves `outbox()`. Idempotent."""
        await self._vault.database.write(lambda connection: outbox.mark_sealed(connection, row, bundle_id))

    def _occasion(self) -> Occasion:
        return Occasion(now=self._now(), offset_minutes=self._clock.offset_minutes())

    async def _with_pen(self, work: Callable[[Pen], Result]) -> Result:
        occasion = self._occasion()
        cases = self._cache
        return await self._vault.database.write(lambda connection: work(Pen(connection, occasion, cases)))


def _joined(connection: Connection, hub: Mailbox) -> Hub:
    found = read_hub(connection, hub)
    if found is None:
        raise NotEnrolled("This site is not enrolled with that hub. Nothing was changed.")
    return found
