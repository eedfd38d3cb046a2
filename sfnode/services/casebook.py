"""The casebook: all that people of this site write in its cases, and all alarms, while the vault is unlocked.

Law: what a method has returned from is durable, an entry and its outbox row together or neither.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from protocol.clinical import Layer, MediaLayer, Patient, Treatment, Vitals
from protocol.entry import forget_entries
from protocol.ids import CaseId
from protocol.orders import Capability, CapabilityItem
from protocol.questions import AnswerState
from sfnode.domain.case_file import CaseFile
from sfnode.domain.contingency import Alarm
from sfnode.domain.intake import NewCase
from sfnode.domain.moments import Moment
from sfnode.errors import Refused
from sfnode.media.layers import EncodedLayer, PhotoLayers
from sfnode.vault import alarms, outbox
from sfnode.vault.vault import Vault
from sfnode.views import AlarmView, PhotoView
from sync.stores.erasures import Erasure

from . import answering, capture, case_views, sending
from .alarm_outlook import NOTHING_AHEAD, AlarmOutlook, due_alarms, outlook_of, waits_for_time
from .case_orders import CaseOrders
from .clock import SiteClock
from .drafting import drafted
from .happenings import (
    AlarmRaised,
    CasebookEvent,
    CaseChanged,
    Ingested,
    OutboxGrew,
    Quarantined,
    Saved,
)
from .key_epochs import keep_keys_current
from .outgoing import Carriage, Outgoing
from .tombstones import erase_case

__all__ = [
    "AlarmRaised",
    "CaseBook",
    "CaseChanged",
    "CasebookEvent",
    "Ingested",
    "OutboxGrew",
    "Quarantined",
    "Saved",
]

_SOURCE_BYTES: Final = 16


class CaseBook(CaseOrders):
    """Needs an unlocked vault. Safe to call from any number of tasks of one loop.

    Raises `sfnode.errors`: `NotFound`, `Refused` and its kinds (`NotEnrolled`, `Incomplete`, `ValueRefused`,
    those of `case_errors`), and the store's own errors when the disk fails. Every refusal leaves everything
    as it was.
    """

    def __init__(
        self,
        vault: Vault,
        *,
        clock: SiteClock,
        carriage: Carriage | None = None,
        language: str = "en",
        observer: Callable[[CasebookEvent], None] = lambda event: None,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`observer` is called after the change is durable, in the caller's step; it must not raise or
        block."""
        super().__init__(vault, clock=clock, carriage=carriage, language=language, observer=observer)
        self._random_bytes = random_bytes
        self._timed: tuple[CaseFile, ...] = ()
        self._timed_of: tuple[CaseFile, ...] = ()
        """The consults of which those are the cases that wait for time."""

    # The site --------------------------------------------------------------------------------------------

    async def set_capability(self, items: Sequence[CapabilityItem]) -> Capability:
        """A new whole list, one version up, queued at once."""
        capability = await self._with_pen(lambda pen: capture.set_capability(pen, items))
        self._observer(OutboxGrew())
        return capability

    async def keep_keys_current(self) -> None:
        """Draw a new opening key if a month has passed, tell the hub, destroy what has had its grace."""
        if await self._with_pen(keep_keys_current):
            self._observer(OutboxGrew())

    # Writing ----------------------------------------------------------------------------------------------

    async def open_case(self, new: NewCase) -> Saved:
        """A draft: nothing of it leaves before `send_case`."""
        return await self._save(lambda pen: capture.open_case(pen, new, self._random_bytes))

    async def add_vitals(self, case_id: CaseId, sets: Sequence[Vitals]) -> Saved:
        """One entry however many sets; `alarms` holds each contingency that these readings crossed."""
        return await self._save(lambda pen: capture.add_vitals(pen, case_id, sets))

    async def add_note(self, case_id: CaseId, *, language: str, text: str) -> Saved:
        """A text longer than a record may be is split at a line or word end into several notes of one
        entry."""
        return await self._save(lambda pen: capture.add_note(pen, case_id, language=language, text=text))

    async def correct_note(self, case_id: CaseId, note: str, *, language: str | None, text: str) -> Saved:
        """Another note in place of the one whose record id starts with `note`; what it said stays readable.
        Without `language` it is in the language of that note."""
        return await self._save(
            lambda pen: answering.correct_note(pen, case_id, note=note, language=language, text=text)
        )

    async def answer_question(
        self,
        case_id: CaseId,
        question: str,
        *,
        value: str | None = None,
        state: AnswerState = AnswerState.ANSWERED,
    ) -> Saved:
        """`question` is its number in the catalogue, or the start of its record id. `ValueRefused` says what
        kind of answer it takes."""
        return await self._save(
            lambda pen: answering.answer_question(
                pen, case_id, question=question, value=value, state=state, language=self._language
            )
        )

    async def add_treatment(self, case_id: CaseId, treatment: Treatment) -> Saved:
        return await self._save(lambda pen: capture.add_treatment(pen, case_id, treatment))

    async def update_patient(self, case_id: CaseId, change: Callable[[Patient], Patient]) -> Saved:
        """A new statement that supersedes the present one(s): `change` gets the present body, returns the new
        one.

        `change` runs on the database's thread and may run twice; `PatientChange.applied_to` is one.
        """
        return await self._save(lambda pen: capture.update_patient(pen, case_id, change))

    async def add_photo(
        self,
        case_id: CaseId,
        photo: PhotoLayers,
        *,
        caption: str,
        taken_s: int | None = None,
        original: bytes | None = None,
    ) -> PhotoView:
        """Bytes durable first, then the signed manifest that names them. `original` stays in the vault for
        ever."""
        if original is not None and sha256(original).digest() != photo.source_sha256:
            raise Refused("The picture changed while it was read. The case is unchanged. Add it again.")
        await self._read(lambda connection: self._consult(connection, case_id))
        source = photo.source_sha256[:_SOURCE_BYTES]
        if original is not None:
            source = await self._vault.blobs.keep(case_id, original)
        layers = (
            await self._keep_layer(case_id, Layer.PREVIEW, photo.preview),
            await self._keep_layer(case_id, Layer.STANDARD, photo.standard),
        )
        new = capture.NewPhoto(caption=caption, taken_s=taken_s, source=source, layers=layers)
        saved = await self._save(lambda pen: capture.add_photo(pen, case_id, new))
        case = await self._read(lambda connection: self._consult(connection, case_id))
        return next(
            case_views.photo_view(record)
            for record in case.state.media
            if record.record_id == saved.records[0]
        )

    async def send_case(self, case_id: CaseId, *, accept_missing: bool = False) -> tuple[Outgoing, ...]:
        """Queue headline, text, and photo layers; what this call queued. Sending again queues nothing.

        From then on each new entry is queued as it is written. `Incomplete` names what the template requires
        for sending and is not there, unless `accept_missing`; an emergency is never held back.
        """
        rows = await self._with_pen(
            lambda pen: sending.send_case(pen, case_id, accept_missing=accept_missing)
        )
        self._observer(CaseChanged(case_id=case_id))
        self._observer(OutboxGrew())
        return await self._outgoing(await self._read(lambda connection: outbox.rows_from(connection, rows)))

    async def draft_bundles(self, case_id: CaseId) -> tuple[outbox.OutboxRow, ...]:
        """What sending the draft would queue; nothing is kept of it. None when it was sent before."""
        return await drafted(self._with_pen, case_id)

    async def erase_case(self, case_id: CaseId, *, reason: str) -> Erasure:
        """Destroy the key of the case for good, leaving who did it, when and why; `Erasing` does the rest."""
        erasure = await self._with_pen(lambda pen: erase_case(pen, case_id, reason=reason))
        forget_entries()
        self._observer(CaseChanged(case_id=case_id))
        self._observer(OutboxGrew())
        return erasure

    async def close_case(self, case_id: CaseId, *, outcome: str) -> Saved:
        return await self._save(lambda pen: capture.close_case(pen, case_id, outcome=outcome))

    # Alarms --------------------------------------------------------------------------------

    async def acknowledge_alarm(self, alarm: int, *, by: str) -> AlarmView:
        """The first name stays; `NotFound` for an unknown number."""
        name = by.strip()
        if not name:
            raise Refused("An alarm is taken by a named person. Nothing was changed. Give a name.")
        return await self._vault.database.write(
            lambda connection: alarms.acknowledge(connection, alarm, name)
        )

    async def look_at_alarms(self) -> AlarmOutlook:
        """Raise what the passing of time has made due: rechecks that were not done, once and again each time
        another interval has passed; and first orders whose signed reply does not follow, once for each."""
        consults = await self._consults_now()
        if self._timed_of is not consults:
            self._timed_of, self._timed = consults, tuple(filter(waits_for_time, consults))
        cases = self._timed
        if not cases:
            return NOTHING_AHEAD
        now = self._now()
        due = due_alarms(cases, now)
        return outlook_of(cases, now, await self._raise(due, now) if due else ())

    async def _raise(
        self, found: Sequence[tuple[CaseId, tuple[Alarm, ...]]], now: Moment
    ) -> tuple[AlarmView, ...]:
        raised = await self._vault.database.write(
            lambda connection: tuple(
                alarm
                for case_id, ringing in found
                for alarm in alarms.raise_alarms(connection, case_id, ringing, since_s=now.wall_s)
            )
        )
        for alarm in raised:
            self._observer(AlarmRaised(alarm=alarm))
        return raised

    # Inside -----------------------------------------------------------------------------------------------

    async def _keep_layer(self, case_id: CaseId, layer: Layer, encoded: EncodedLayer) -> MediaLayer:
        return MediaLayer(
            layer=layer,
            blob=await self._vault.blobs.keep(case_id, encoded.data),
            size_bytes=len(encoded.data),
            width=encoded.width,
            height=encoded.height,
            quality=encoded.quality,
        )
