"""A site as the hub meets it: keys, signed entries, sealed bundles, sessions; no node software."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actors import Actor, Role
from protocol.bundle import BundleContent, EntryBundle, LayerBundle, blob_hash
from protocol.clinical import (
    AllergyState,
    CaseOpened,
    Consciousness,
    Headline,
    Layer,
    Media,
    MediaLayer,
    Note,
    Patient,
    Sex,
    Vitals,
)
from protocol.enrolment import (
    CODE_LIFETIME_S,
    NONCE_BYTES,
    HubKeys,
    PairSecrets,
    SiteKeys,
    code_key,
    pair_secrets,
    parse_code,
    read_response,
    site_hint,
    write_request,
)
from protocol.entry import Entry, SignedEntry, read_entry, verify_entry, write_entry
from protocol.errors import BaseMissing
from protocol.header import Priority, prekey_id
from protocol.ids import ActorId, CaseId, Incarnation, Mailbox, PatientId, RecordId, mailbox_of, seal_tag_of
from protocol.micro import MicroBundle
from protocol.orders import Capability, CapabilityItem
from protocol.records import NewRecord, Reference, Relation
from protocol.sealing import HpkeSealer, Prekey
from protocol.small_seal import Direction, SmallKey
from protocol.stamps import Stamp
from sfhub.app import Hub
from sfhub.clock import SystemClock
from sfhub.domain.case_file import site_case_id
from sfhub.storage.codes import add_code
from sync.core import SessionTerms
from sync.driver import Observer, SessionReport, Setting, answer_session, dial_session, read_call
from sync.envelope import Envelope, SealedContent
from sync.links.http import HttpDialer
from sync.links.memory import memory_link
from sync.ports import IncomingChunk, Offer, Rank
from sync.registry import SessionRegistry
from sync.stores.memory import MemoryStore

NOON_S = 1_732_276_800
"""2024-11-22 12:00Z: when the stories of the tests begin."""
CODE = "7K2M-0000-0000-0000"
SEALER = HpkeSealer(os.urandom)


@cache
def stretched(code: str) -> bytes:
    """Once for each code: it is made to cost time and memory."""
    return code_key(parse_code(code))


class TestClock:
    """Stands still until it is moved."""

    __test__ = False

    def __init__(self, wall_s: float = NOON_S) -> None:
        self.now_s = wall_s

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s


@dataclass(frozen=True, slots=True)
class Story:
    """One case as a site writes it: entries and layers in the order in which they would leave."""

    case_id: CaseId
    headline: SignedEntry
    text: SignedEntry
    manifest: SignedEntry
    preview: LayerBundle
    standard: LayerBundle
    opened: RecordId


class Site:
    """Keys and handwriting of one site."""

    def __init__(self, name: str, *, seed: int = 0) -> None:
        self.name = name
        self.signing = Ed25519PrivateKey.generate()
        self.opening = X25519PrivateKey.generate()
        self.transport = X25519PrivateKey.generate()
        self.medic = ActorId(os.urandom(8))
        self.patient = PatientId(os.urandom(10))
        self.counter = 100 * seed + 1
        self.incarnation = Incarnation(os.urandom(4))
        self.sequence = 0
        self.hub: HubKeys | None = None
        self.written: list[SignedEntry] = []

    # Enrolment.

    @property
    def keys(self) -> SiteKeys:
        return SiteKeys(
            site_name=self.name,
            signing=self.signing.public_key().public_bytes_raw(),
            opening=self.opening.public_key().public_bytes_raw(),
            transport=self.transport.public_key().public_bytes_raw(),
        )

    def request(self, code: str) -> bytes:
        return write_request(self.keys, key=stretched(code), nonce=os.urandom(NONCE_BYTES))

    def accept(self, answer: bytes, request: bytes, code: str) -> None:
        self.hub = read_response(answer, request, key=stretched(code))

    async def enrol(self, hub: Hub) -> None:
        """With a code that is stretched once for all tests: that costs a fifth of a second and 64 MiB."""
        made_s = hub.clock.wall_s()
        await hub.database.write(
            lambda connection: add_code(
                connection,
                site_name=self.name,
                hint=site_hint(self.name),
                stretched_key=stretched(CODE),
                made_s=made_s,
                expires_s=made_s + CODE_LIFETIME_S,
            )
        )
        request = self.request(CODE)
        self.accept(await hub.enrolment.answer(request), request, CODE)

    @property
    def known_hub(self) -> HubKeys:
        assert self.hub is not None, "not enrolled"
        return self.hub

    @property
    def mailbox(self) -> Mailbox:
        return mailbox_of(self.known_hub.organisation, self.known_hub.site_name)

    @property
    def hub_mailbox(self) -> Mailbox:
        return mailbox_of(self.known_hub.organisation, self.known_hub.hub_name)

    @property
    def secrets(self) -> PairSecrets:
        return pair_secrets(self.transport, self.known_hub.transport, self.known_hub.pseudonym)

    # Writing.

    def entry(
        self,
        *records: Any,
        case_id: CaseId,
        patient_id: PatientId | None = None,
        author: ActorId | None = None,
        refs: Sequence[Reference] = (),
    ) -> SignedEntry:
        """One signed entry; the last record carries `refs`."""
        stamp = Stamp(self.counter, NOON_S + self.counter)
        self.counter += len(records)
        new = [record if isinstance(record, NewRecord) else NewRecord(record) for record in records]
        new[-1] = NewRecord(new[-1].body, tuple(refs) or new[-1].refs, new[-1].kind)
        signed = write_entry(
            new,
            case_id=case_id,
            patient_id=self.patient if patient_id is None else patient_id,
            author=author or self.medic,
            stamp=stamp,
            key=self.signing,
        )
        self.written.append(signed)
        return signed

    def written_starting(self, start: bytes) -> SignedEntry | None:
        """The entry of our own whose id starts so."""
        return next((signed for signed in self.written if signed.entry_id.startswith(start)), None)

    def introduction(self, *items: CapabilityItem) -> SignedEntry:
        """Who the medic is and what is aboard, in the site's own pseudo-case."""
        records: list[Any] = [Actor(name="Medic", role=Role.MEDIC)]
        if items:
            records.append(Capability(version=3, items=items))
        return self.entry(*records, case_id=site_case_id(self.mailbox), patient_id=PatientId(bytes(10)))

    def story(
        self,
        *,
        urgency: Priority = Priority.URGENT,
        complaint: str = "chest pain",
        standard_bytes: int = 20_000,
    ) -> Story:
        """A whole case: headline, text, one photograph with two layers."""
        case_id = CaseId(os.urandom(10))
        preview, standard = os.urandom(300), os.urandom(standard_bytes)
        headline = self.entry(
            Headline(
                urgency=urgency, complaint=complaint, age_years=54, sex=Sex.MALE, news2=7, photo_count=1
            ),
            case_id=case_id,
        )
        text = self.entry(
            CaseOpened(
                template="chest-pain",
                template_version=1,
                urgency=urgency,
                complaint=complaint,
                question="What now?",
                site=self.mailbox,
                hub=self.hub_mailbox,
            ),
            Patient(
                code="P-0917",
                age_years=54,
                sex=Sex.MALE,
                weight_hg=825,
                weight_measured=True,
                allergy_state=AllergyState.LISTED,
                allergies=("penicillin",),
            ),
            Note(language="en", text="Crushing pain since 02:10."),
            vitals(),
            case_id=case_id,
        )
        manifest = self.entry(
            Media(
                caption="paper ECG",
                source=blob_hash(b"original"),
                layers=(layer_of(Layer.PREVIEW, preview), layer_of(Layer.STANDARD, standard)),
            ),
            case_id=case_id,
        )
        return Story(
            case_id,
            headline,
            text,
            manifest,
            LayerBundle(case_id, Layer.PREVIEW, preview),
            LayerBundle(case_id, Layer.STANDARD, standard),
            read_entry(text).records[0].record_id,
        )

    # Sealing and delivery.

    @property
    def envelope(self) -> Envelope:
        """How bundles to the hub are addressed."""
        return Envelope(
            destination=self.hub_mailbox,
            origin=self.known_hub.pseudonym,
            pair_secret=self.secrets.bundle_ids,
            small=SmallKey(secret=self.secrets.small, direction=Direction.TO_HUB),
        )

    def seal(
        self, content: BundleContent, priority: Priority = Priority.URGENT, recipient: bytes | None = None
    ) -> SealedContent:
        return self.envelope.seal(
            content, priority=priority, recipient=Prekey(recipient or self.known_hub.opening), sealer=SEALER
        )

    def offer(self, sealed: SealedContent, priority: Priority = Priority.URGENT) -> Offer:
        self.sequence += 1
        return Offer(
            incarnation=self.incarnation,
            sequence=self.sequence,
            bundle_id=sealed.bundle_id,
            seal_tag=seal_tag_of(sealed.sealed),
            priority=priority,
            dwell_code=20,
            recipient_key=sealed.recipient_key,
            size_bytes=len(sealed.sealed),
        )

    async def put(self, hub: Hub, sealed: SealedContent, priority: Priority = Priority.URGENT) -> None:
        """Into the hub's custody, whole and durable, as a session leaves it."""
        store = await hub.custody.pair(self.known_hub.pseudonym)
        await store.persist([IncomingChunk(offer=self.offer(sealed, priority), offset=0, data=sealed.sealed)])

    async def deliver(self, hub: Hub, *contents: BundleContent | SignedEntry) -> None:
        """Into custody, then through ingest."""
        for content in contents:
            bundle = EntryBundle((content,)) if isinstance(content, SignedEntry) else content
            await self.put(hub, self.seal(bundle))
        await drain(hub, self)

    async def deliver_story(self, hub: Hub, story: Story) -> None:
        await self.deliver(
            hub,
            self.introduction(),
            story.headline,
            story.text,
            story.manifest,
            story.preview,
            story.standard,
        )


async def drain(hub: Hub, site: Site) -> int:
    """Ingest everything of this site that is whole."""
    pair = hub.sites.directory.pair_of(site.known_hub.pseudonym)
    assert pair is not None
    return await hub.ingest.drain(pair)


async def converse(hub: Hub, site: Site, store: MemoryStore, clock: TestClock) -> SessionReport:
    """One session over a link in memory, until nothing is left to move."""
    near, far = memory_link()
    pair = hub.contacts.pair_of(site.known_hub.pseudonym)
    assert pair is not None

    async def listen() -> None:
        call = await read_call(far)
        await answer_session(
            far,
            call,
            link_secret=hub.contacts.link_secret(pair),
            registry=SessionRegistry(),
            setting=await hub.contacts.setting(pair),
        )

    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        return await dial_session(
            near,
            link_secret=site.secrets.link,
            pseudonym=site.known_hub.pseudonym,
            setting=Setting(store=store, clock=clock, terms=SessionTerms()),
        )


async def dial(
    address: str, site: Site, store: MemoryStore, observer: Observer | None = None
) -> SessionReport:
    """One session over HTTP, until nothing is left to move or the link breaks."""
    setting = Setting(store=store, clock=SystemClock())
    if observer is not None:
        setting = replace(setting, observer=observer)
    return await dial_session(
        await HttpDialer(address).dial(),
        link_secret=site.secrets.link,
        pseudonym=site.known_hub.pseudonym,
        setting=setting,
    )


def site_store() -> MemoryStore:
    return MemoryStore(lambda: Incarnation(os.urandom(4)))


async def add_to(store: MemoryStore, sealed: SealedContent, priority: Priority, rank: Rank) -> None:
    await store.add(
        bundle_id=sealed.bundle_id,
        priority=priority,
        rank=rank,
        recipient_key=sealed.recipient_key,
        dwell_code=20,
        sealed=sealed.sealed,
    )


async def read_from_hub(hub: Hub, site: Site) -> list[Entry]:
    """What the hub has sealed for the site, opened with the site's key and proven by the hub's."""
    store = await hub.custody.pair(site.known_hub.pseudonym)
    view = await store.open_session()
    entries = []
    for bundle in view.pending:
        sealed = await store.read(bundle.offer.sequence, 0, bundle.offer.size_bytes)
        entries += open_from_hub(site, bundle.offer, sealed)
    return entries


def open_from_hub(site: Site, offer: Offer, sealed: bytes) -> list[Entry]:
    """The signed entries of one bundle; what goes ahead of them, nobody has signed."""
    envelope = Envelope(
        destination=site.mailbox,
        origin=site.known_hub.pseudonym,
        pair_secret=site.secrets.bundle_ids,
        small=SmallKey(secret=site.secrets.small, direction=Direction.TO_SITE),
    )
    keys = {prekey_id(site.keys.opening): site.opening}
    try:
        content = envelope.open(offer, sealed, keys=keys, sealer=SEALER)
    except BaseMissing as missing:
        base = site.written_starting(missing.base_id)
        content = envelope.open(offer, sealed, keys=keys, sealer=SEALER, base=base)
    if isinstance(content, MicroBundle):
        return []
    assert isinstance(content, EntryBundle)
    for entry in content.entries:
        verify_entry(entry, site.known_hub.signing)
    return [read_entry(entry) for entry in content.entries]


def vitals(**changes: Any) -> Vitals:
    """A set that scores 4: heart rate 118 is 2, SpO2 93 is 2."""
    values: dict[str, Any] = {
        "observed_s": NOON_S,
        "heart_rate_min": 118,
        "respiratory_rate_min": 18,
        "spo2_percent": 93,
        "on_oxygen": False,
        "systolic_mmhg": 132,
        "diastolic_mmhg": 84,
        "temperature_decicelsius": 370,
        "consciousness": Consciousness.ALERT,
    }
    return Vitals(**(values | changes))


def layer_of(layer: Layer, data: bytes) -> MediaLayer:
    return MediaLayer(
        layer=layer, blob=blob_hash(data), size_bytes=len(data), width=640, height=480, quality=30
    )


def about(record: RecordId) -> tuple[Reference, ...]:
    return (Reference(Relation.ABOUT, record),)
