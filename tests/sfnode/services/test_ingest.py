"""Received entries: applied once, in any order; kept aside with a reason when they may not stand."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.actors import Role
from protocol.bundle import EntryBundle, LayerBundle
from protocol.clinical import CaseOpened, Closed, Layer, Note, Vitals, Voided
from protocol.entry import SignedEntry, read_entry
from protocol.errors import BundleRefused
from protocol.header import Priority
from protocol.ids import CaseId, EntryId, PatientId
from protocol.limits import COUNTER_LEAP_OF_HUB_MAX
from protocol.orders import (
    Advice,
    Comparison,
    Contingency,
    Disposition,
    Order,
    OrderStopped,
    PriorOrder,
    Quantity,
    Seen,
)
from protocol.records import Kind, NewRecord, Reference, Relation
from sfnode.domain.intake import PatientChange
from sfnode.errors import NotFound
from sfnode.services.case_receiver import LAYERS_UNNAMED_MAX
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SetClock
from sfnode.vault.asides import ASIDE_MAX
from sfnode.vault.entries import highest_counter, read_signed
from sfnode.vault.vault import Vault
from sfnode.views import CaseView
from sync.stores.connection import Connection
from tests.sfnode.services.station import (
    HUB,
    NOW_S,
    PAIR,
    PASSPHRASE,
    HubDesk,
    Station,
    about,
    entries_in,
    hub_keys,
    last_record,
    new_case,
    open_station,
)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


async def refused(station: Station, signed: SignedEntry, words: str) -> None:
    """The entry is kept aside for this reason, and nothing else changes."""
    cases = [await station.book.find_case(row.case) for row in await station.book.case_rows()]
    before = [await station.book.case_view(case_id) for case_id in cases]
    ingested = await station.book.ingest(EntryBundle((signed,)), HUB)
    assert (ingested.applied, ingested.cases, ingested.alarms) == ((), frozenset(), ())
    assert [each.name for each in ingested.quarantined] == [signed.entry_id.hex()]
    assert words in ingested.quarantined[0].reason
    assert [await station.book.case_view(case_id) for case_id in cases] == before
    assert (await station.book.quarantined())[0] == ingested.quarantined[0]


async def test_a_reply_is_applied_once(station: Station) -> None:
    case_id = await station.sent_case()
    reply = station.desk.reply(case_id)
    first = await station.book.ingest(EntryBundle((reply, reply)), HUB)
    assert (first.applied, first.known, first.quarantined) == ((reply.entry_id,), (), ())
    view = await station.book.case_view(case_id)
    assert view.row.state == "ANSWERED"
    again = await station.book.ingest(EntryBundle((reply,)), HUB)
    assert (again.applied, again.known, again.cases) == ((), (reply.entry_id,), frozenset())
    assert await station.book.case_view(case_id) == view


async def test_our_next_entry_is_numbered_above_what_came(station: Station) -> None:
    case_id = await station.sent_case()
    await station.hear(station.desk.write(case_id, NewRecord(Advice(text="Aspirin now.")), counter=5_000))
    await station.book.add_note(case_id, language="en", text="Done.")
    newest = max(await station.book.outbox(), key=lambda row: row.row)
    assert read_entry(entries_in(newest)[0]).stamp.counter > 5_000


async def test_an_altered_entry(station: Station) -> None:
    case_id = await station.sent_case()
    reply = station.desk.reply(case_id)
    altered = SignedEntry(reply.payload.replace(b"heart", b"liver"), reply.signature)
    await refused(station, altered, "signature does not match")
    await refused(station, SignedEntry(reply.payload[:-1], reply.signature), "cut short")
    await refused(station, SignedEntry(b"\xc1", b""), "not part of the format")


async def test_a_key_that_nobody_introduced(station: Station) -> None:
    case_id = await station.sent_case()
    stranger = HubDesk(key=Ed25519PrivateKey.from_private_bytes(b"x" * 32), seen=station.desk.seen)
    await refused(station, stranger.reply(case_id), "a key that this site does not know")


async def test_a_role_without_the_authority(station: Station) -> None:
    case_id = await station.sent_case()
    station.desk.role = Role.COORDINATOR
    await refused(station, station.desk.reply(case_id), "a coordinator may not write a reply record")
    station.desk.role = Role.MEDIC
    await refused(
        station,
        station.desk.write(case_id, NewRecord(Advice(text="x"))),
        "hub's key may not vouch for a medic",
    )
    station.desk.role = Role.SPECIALIST
    vitals = station.desk.write(case_id, NewRecord(Vitals(observed_s=1, spo2_percent=99)))
    await refused(station, vitals, "a specialist may not write a vitals record")


async def test_a_reply_signed_with_the_site_s_own_key(station: Station) -> None:
    """A stolen node cannot make replies that another of the site would show."""
    case_id = await station.sent_case()
    identity = await station.vault.directory.identity()
    forged = replace(station.desk, key=identity.signing)
    await refused(station, forged.reply(case_id), "site's key may not vouch for a specialist")


async def test_an_author_of_another_place(station: Station) -> None:
    case_id = await station.sent_case()
    identity = await station.vault.directory.identity()
    posing = replace(station.desk, author=identity.author)
    await refused(station, posing.reply(case_id), "belongs to another place")


async def test_entries_of_another_patient_never_join_a_case(station: Station) -> None:
    case_id = await station.sent_case()
    other = PatientId(b"another 10")
    await refused(
        station,
        station.desk.write(case_id, NewRecord(Closed(outcome="x")), patient_id=other),
        "another patient",
    )


async def test_a_counter_that_would_leave_us_none_is_refused(station: Station) -> None:
    case_id = await station.sent_case()
    known = await station.vault.database.read(highest_counter)
    # Its last record, not its first, is one beyond the bound.
    greedy = station.desk.write(case_id, NewRecord(Advice(text="x")), counter=known + COUNTER_LEAP_OF_HUB_MAX)
    await refused(station, greedy, "further ahead than any honest one")
    await station.book.add_note(case_id, language="en", text="still writing")
    # What leads up to it may come later; then it stands, in whatever order the two came.
    before = station.desk.write(case_id, NewRecord(Advice(text="y")), counter=known + 10)
    ingested = await station.book.ingest(EntryBundle((before,)), HUB)
    assert ingested.applied == (before.entry_id, greedy.entry_id)


async def test_a_reply_that_came_ahead_of_its_key_stands_once_the_key_is_known(station: Station) -> None:
    case_id = await station.sent_case()
    renewed = HubDesk(key=Ed25519PrivateKey.from_private_bytes(b"r" * 32), seen=station.desk.seen)
    reply = renewed.reply(case_id)
    await refused(station, reply, "a key that this site does not know")
    await station.book.join_hub(replace(hub_keys(), signing=renewed.public_key), PAIR)
    assert len((await station.book.plan_view(case_id)).replies) == 1
    assert await station.book.quarantined() == ()


async def test_an_author_of_another_place_is_judged_again(station: Station) -> None:
    case_id = await station.sent_case()
    identity = await station.vault.directory.identity()
    await station.book.ingest(
        EntryBundle((replace(station.desk, author=identity.author).reply(case_id),)), HUB
    )
    waiting = await station.vault.database.read(
        lambda connection: connection.execute("SELECT retry FROM aside").fetchall()
    )
    assert waiting == [(1,)]


async def test_a_case_that_is_not_known_waits_and_the_hub_cannot_open_one(station: Station) -> None:
    case_id = CaseId(b"unknown 10")
    hub = await station.vault.directory.hub(HUB)
    assert hub is not None
    opened = CaseOpened(
        template="general",
        template_version=1,
        urgency=Priority.URGENT,
        complaint="x",
        question="x",
        site=hub.site,
        hub=hub.hub,
    )
    entry = station.desk.write(case_id, NewRecord(opened), patient_id=PatientId(b"p" * 10))
    await refused(station, entry, "its case is not known here")
    assert await station.book.case_rows() == ()


async def test_one_bad_entry_stops_nothing_behind_it(station: Station) -> None:
    case_id = await station.sent_case()
    good = station.desk.reply(case_id)
    ingested = await station.book.ingest(EntryBundle((SignedEntry(b"\xc1", b""), good)), HUB)
    assert (len(ingested.quarantined), ingested.applied) == (1, (good.entry_id,))


async def test_an_author_who_is_introduced_later_is_heard_then(station: Station) -> None:
    case_id = await station.sent_case()
    introduction = station.desk.write(case_id, NewRecord(Advice(text="Aspirin now.")))
    reply = station.desk.write(case_id, NewRecord(Note(language="en", text="more")), introduce=False)
    await refused(station, reply, "its author is not known here yet")
    ingested = await station.book.ingest(EntryBundle((introduction,)), HUB)
    assert set(ingested.applied) == {introduction.entry_id, reply.entry_id}
    assert (ingested.quarantined, await station.book.quarantined()) == ((), ())


async def test_what_is_kept_aside_is_bounded(station: Station) -> None:
    bad = tuple(SignedEntry(b"\xc1" + number.to_bytes(2, "big"), b"") for number in range(ASIDE_MAX + 50))
    for start in range(0, len(bad), 200):
        await station.book.ingest(EntryBundle(bad[start : start + 200]), HUB)
    rows = await station.vault.database.read(
        lambda connection: connection.execute("SELECT count(*) FROM aside").fetchone()
    )
    assert rows[0] <= ASIDE_MAX


async def test_layers_are_kept_for_a_known_case_and_shown_when_a_manifest_names_them(
    station: Station,
) -> None:
    case_id = await station.sent_case()
    layer = LayerBundle(case_id, Layer.PREVIEW, b"avif")
    ingested = await station.book.ingest(layer, HUB)
    assert not ingested.quarantined
    assert ingested.cases == {case_id}
    with pytest.raises(NotFound, match="no picture"):
        await station.book.read_blob(case_id, layer.blob)
    with pytest.raises(BundleRefused, match="a case that is not known here"):
        await station.book.ingest(LayerBundle(CaseId(b"unknown 10"), Layer.PREVIEW, b"avif"), HUB)
    for number in range(LAYERS_UNNAMED_MAX - 1):
        await station.book.ingest(LayerBundle(case_id, Layer.PREVIEW, b"avif %d" % number), HUB)
    with pytest.raises(BundleRefused, match="wait for a manifest already"):
        await station.book.ingest(LayerBundle(case_id, Layer.PREVIEW, b"one too many"), HUB)
    assert not (await station.book.ingest(layer, HUB)).quarantined


async def test_arrivals_while_the_vault_was_locked_count_from_their_arrival(station: Station) -> None:
    case_id = await station.sent_case()
    await station.book.ingest(
        EntryBundle((station.desk.reply(case_id, valid_for_min=60),)), HUB, waited_s=50 * 60
    )
    (reply,) = (await station.book.plan_view(case_id)).replies
    assert (reply.valid_until, reply.received_s) == (
        "valid for 10 min more",
        int(station.clock.wall_s()) - 3_000,
    )
    await station.book.ingest(
        EntryBundle((station.desk.reply(case_id, valid_for_min=60),)), HUB, waited_s=None
    )
    (_, reply) = (await station.book.plan_view(case_id)).replies
    assert reply.valid_until == "cannot tell: confirm"


# Any order, any grouping, any repetition -----------------------------------------------------------------


async def entries_of(station: Station, case_id: CaseId) -> tuple[SignedEntry, ...]:
    def read(connection: Connection) -> tuple[SignedEntry, ...]:
        rows = connection.execute(
            "SELECT entry_id FROM entry WHERE case_id = ? ORDER BY row", (case_id,)
        ).fetchall()
        return read_signed(connection, [EntryId(entry_id) for (entry_id,) in rows])

    return await station.vault.database.read(read)


async def tell_story(station: Station) -> CaseId:
    """Advice, a reply, the site's answers, a second reply that continues its orders, a stop, and two vain
    voids."""
    desk = station.desk
    case_id = (await station.book.open_case(new_case(note="Since two."))).case_id
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=95)])
    await station.book.send_case(case_id)
    await station.hub_reads()
    watch = Contingency(
        number=1,
        quantity=Quantity.SPO2,
        comparison=Comparison.BELOW,
        threshold=90,
        then="give oxygen",
        order=2,
    )
    orders = (Order(number=1, name="Aspirin", dose="300 mg"), Order(number=2, name="Oxygen", dose="10 l/min"))
    advice = desk.write(case_id, NewRecord(Advice(text="Sit up.")))
    seen = desk.write(case_id, NewRecord(Seen(), (), Kind.CASE_SEEN), introduce=False)
    one = desk.reply(case_id, orders=orders, contingencies=(watch,), recheck_every_min=30, valid_for_min=60)
    await station.hear(advice, seen, one)
    await station.book.give_order(case_id, 1, dose="150 mg")
    await station.book.add_vitals(case_id, [station.vitals(spo2_percent=84)])
    await station.book.update_patient(case_id, PatientChange(weight_hg=825).applied_to)
    await station.book.mark_reply_seen(case_id)
    first = last_record(one)
    prior = tuple(
        PriorOrder(reply=first, order=number, disposition=Disposition.CONTINUE) for number in (1, 2)
    )
    two = desk.reply(case_id, refs=(Reference(Relation.SUPERSEDES, first),), prior=prior)
    stop = desk.write(case_id, NewRecord(OrderStopped(order=2, reason="COPD"), (about(first),)))
    voids = [
        desk.write(
            case_id, NewRecord(Voided(reason="x"), (Reference(Relation.VOIDS, target),)), introduce=False
        )
        for target in (last_record(stop), station.desk.seen[case_id][1].record_id)
    ]
    await station.hear(two, stop, *voids)
    await station.book.accept_plan(case_id)
    return case_id


def comparable(view: CaseView) -> CaseView:
    """All but what depends on this vault's own past: what it sent, and which alarms rang here."""
    return replace(view, transfers=(), row=replace(view.row, needs_you=None))


async def replay(base: Path, folder: Path, bundles: Sequence[Sequence[SignedEntry]]) -> tuple[CaseView, int]:
    """The view of a vault that knows only its keys and hears `bundles`, and how much it still keeps aside."""
    shutil.copytree(base, folder)
    vault = await Vault.unlock(folder, PASSPHRASE)
    book = CaseBook(vault, clock=SetClock(wall_s=NOW_S))
    try:
        for bundle in bundles:
            await book.ingest(EntryBundle(tuple(bundle)), HUB)
        (row,) = await book.case_rows()
        return await book.case_view(await book.find_case(row.case)), len(await book.quarantined())
    finally:
        await vault.close()


def test_any_order_grouping_and_repetition_gives_the_same_case() -> None:
    async def prepare(base: Path, told: Path) -> tuple[tuple[SignedEntry, ...], CaseView]:
        station = await open_station(base)
        await station.vault.close()
        shutil.copytree(base, told)
        station.vault = await Vault.unlock(told, PASSPHRASE)
        station.book = CaseBook(station.vault, clock=station.clock)
        try:
            case_id = await tell_story(station)
            return await entries_of(station, case_id), await station.book.case_view(case_id)
        finally:
            await station.vault.close()

    with tempfile.TemporaryDirectory() as name:
        base, folders = Path(name) / "base", count()
        entries, told = asyncio.run(prepare(base, Path(name) / "told"))
        assert (told.row.state, told.plan and told.plan.accepted_by) == ("ANSWERED", "Medic on duty")

        @settings(max_examples=30)
        @given(
            st.permutations(range(len(entries))),
            st.lists(st.integers(0, len(entries) - 1), max_size=6),
            st.data(),
        )
        def check(order: list[int], repeated: list[int], data: st.DataObject) -> None:
            arrivals = [entries[index] for index in (*order, *repeated)]
            bundles = []
            while arrivals:
                size = data.draw(st.integers(1, len(arrivals)))
                bundles.append(arrivals[:size])
                arrivals = arrivals[size:]
            view, aside = asyncio.run(replay(base, Path(name) / f"replay {next(folders)}", bundles))
            assert comparable(view) == comparable(told)
            assert aside == 0

        check()
