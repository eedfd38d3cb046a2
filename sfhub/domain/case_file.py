"""All that the hub holds of one case: its entries with their moments of arrival, and the fold over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Final

from protocol.actors import Actor, Party
from protocol.admission import admitted
from protocol.clinical import CaseOpened, Headline, Layer, Media, Note, Patient
from protocol.entry import Entry, SignedEntry
from protocol.fold import CaseState, fold
from protocol.header import Priority
from protocol.ids import CASE_ID_BYTES, ActorId, CaseId, KeyId, Mailbox, PatientId, RecordId
from protocol.micro import ProvisionalRecord
from protocol.questions import Answer
from protocol.records import Kind, Record, UnknownBody

UNKNOWN_AUTHOR: Final = "an author not introduced yet"


def site_case_id(site: Mailbox) -> CaseId:
    """The pseudo-case in which a site keeps what belongs to no patient: people, drugs, kit."""
    return CaseId(blake2b(site, digest_size=CASE_ID_BYTES, person=b"sf-site-case").digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedEntry:
    """One entry, with when it became durable here."""

    number: int
    """Grows in order of arrival."""
    received_s: float
    party: Party
    place: Mailbox
    """Where the key stands that signed it."""
    signed: SignedEntry
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedLayer:
    """One media layer whose bytes are here; whether the case may show it is its manifests' word."""

    blob: bytes
    layer: Layer
    size_bytes: int
    received_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedProvisional:
    """What the site said ahead of its signed entries: authenticated as the site, signed by nobody."""

    said: ProvisionalRecord
    received_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SentEntry:
    """How far one entry of ours is on its way to the site."""

    entry_number: int
    what: str
    size_bytes: int
    """Sealed; 0 until it is."""
    written_s: float
    stored_s: float
    """When the site said that it holds it; 0 is not yet."""


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """One case as it stands at this moment."""

    case_id: CaseId
    patient_id: PatientId
    site: Mailbox
    site_name: str
    bundle_priority: Priority
    """Class of the most urgent bundle: all there is until something readable has come."""
    first_arrived_s: float
    changed_s: float
    entries: tuple[ArrivedEntry, ...]
    layers: tuple[ArrivedLayer, ...]
    sent: tuple[SentEntry, ...]
    people: Mapping[tuple[KeyId, ActorId], Actor]
    held: int
    """Entries that wait for their author to be introduced."""
    provisional: tuple[ArrivedProvisional, ...] = ()
    """Never folded in; of no account once the signed entry that each names is here."""

    @cached_property
    def state(self) -> CaseState:
        stated = ((record, here.place) for here in self.entries for record in here.entry.records)
        return fold(admitted(stated))

    @cached_property
    def _arrived(self) -> Mapping[RecordId, ArrivedEntry]:
        """The first arrival of each record."""
        return {
            record.record_id: arrived
            for arrived in reversed(self.entries)
            for record in arrived.entry.records
        }

    @property
    def is_consult(self) -> bool:
        """False for the pseudo-case of a site, which waits for nobody."""
        return self.case_id != site_case_id(self.site)

    @property
    def seen(self) -> int:
        """Number of the newest entry: names what somebody who looks now has seen."""
        return max((arrived.number for arrived in self.entries), default=0)

    @property
    def counter_next(self) -> int:
        """The Lamport counter of whoever writes after having read all of this."""
        said = [here.said.record for here in self.provisional]
        return max((record.stamp.counter for record in (*self.state.records, *said)), default=0) + 1

    @property
    def opened(self) -> CaseOpened | None:
        body: CaseOpened | None = self.state.opened[-1].body if self.state.opened else None
        return body

    @property
    def headline(self) -> Headline | None:
        """A signed one, else the provisional one."""
        if self.state.headlines:
            signed: Headline = self.state.headlines[-1].body
            return signed
        here = self.provisional_headline
        return None if here is None else here.said.record.body

    @property
    def provisional_headline(self) -> ArrivedProvisional | None:
        """The newest that no signed entry has taken the place of."""
        waiting = [here for here in self._uncovered if isinstance(here.said.record.body, Headline)]
        return waiting[-1] if waiting else None

    @property
    def provisional_answers(self) -> tuple[Answer, ...]:
        """Coded answers that no signed entry has taken the place of."""
        said = [here.said.record.body for here in self._uncovered]
        return tuple(body for body in said if isinstance(body, Answer))

    @property
    def provisional_corrections(self) -> tuple[Record, ...]:
        """Corrections of notes that no signed entry has taken the place of."""
        said = [here.said.record for here in self._uncovered]
        return tuple(record for record in said if isinstance(record.body, Note))

    @cached_property
    def _uncovered(self) -> tuple[ArrivedProvisional, ...]:
        entry_ids = [arrived.entry.entry_id for arrived in self.entries]
        return tuple(here for here in self.provisional if not here.said.is_covered_by(entry_ids))

    @property
    def headline_arrived_s(self) -> float | None:
        """When the first headline came, signed or not."""
        moments = [
            here.received_s for here in self.provisional if isinstance(here.said.record.body, Headline)
        ]
        signed_s = self.arrived_s(self.state.headlines)
        return min(moments if signed_s is None else (*moments, signed_s), default=None)

    @property
    def patient(self) -> Patient | None:
        """The newest statement; whether others contradict it, `state.patients` tells."""
        body: Patient | None = self.state.patients[-1].body if self.state.patients else None
        return body

    @property
    def urgency(self) -> Priority:
        """As the site states it; the most urgent word of several counts."""
        stated = [record.body.urgency for record in (*self.state.opened, *self.state.headlines)]
        if self.headline is not None:
            stated.append(self.headline.urgency)
        return min(stated, default=self.bundle_priority)

    def upto(self, seen: int) -> tuple[Record, ...]:
        """The records that somebody who saw entry `seen` as the newest has seen."""
        return tuple(
            record for arrived in self.entries if arrived.number <= seen for record in arrived.entry.records
        )

    def arrival(self, record: Record) -> ArrivedEntry:
        """How one of this case's records came."""
        return self._arrived[record.record_id]

    def arrived_s(self, records: Iterable[Record]) -> float | None:
        """When the first of `records` came, None when there is none."""
        return min((self.arrival(record).received_s for record in records), default=None)

    def author(self, record: Record) -> str:
        """Who wrote it, by the word of the device that signed it."""
        actor = self.people.get((self.arrival(record).entry.signer, record.author))
        return actor.name if actor else UNKNOWN_AUTHOR

    def layer(self, blob: bytes, layer: Layer) -> ArrivedLayer | None:
        return next((here for here in self.layers if here.blob == blob and here.layer is layer), None)

    def shows(self, blob: bytes) -> bool:
        """Whether a signed manifest of this case names the blob and its bytes are here."""
        manifests: Sequence[Media] = [record.body for record in self.state.media]
        return any(
            layer.blob == blob and self.layer(blob, layer.layer) is not None
            for manifest in manifests
            for layer in manifest.layers
        )

    def of_site(self, kinds: Iterable[Kind]) -> tuple[Record, ...]:
        """Records of these kinds that were signed at a site, without voided and unreadable ones."""
        wanted = frozenset(kinds)
        return tuple(
            record
            for record in self.state.records
            if record.kind in wanted
            and not isinstance(record.body, UnknownBody)
            and record.record_id not in self.state.voided
            and self.arrival(record).party is Party.SITE
        )
