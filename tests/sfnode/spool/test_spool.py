"""Rows of the spool: facts that must outlive the process, kept once, without anything clinical."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from protocol.stamps import Certainty
from sfnode.domain.moments import Moment
from sfnode.spool.alarms import Timer
from sfnode.spool.diary import CONTACTS_MAX
from sfnode.spool.pairing import Pairing, PendingEnrolment
from sfnode.spool.spool import Spool
from sync.ports import Rank
from sync.scheduler import Tick
from sync.stores.connection import Connection
from sync.stores.database import Execution

PAIRING = Pairing(
    pseudonym=Pseudonym(b"pair"),
    organisation="Example Telemedical Service",
    hub_name="Duty desk",
    site_name="MV EXAMPLE",
    link_secret=b"l" * 32,
    enrolled_s=1_000,
)
NOON = Moment(boot="boot 1", monotonic_s=500.0, wall_s=1_760_000_000, certainty=Certainty.SYNCED)


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = await Spool.open(tmp_path / "spool.db", execution=Execution.INLINE)
    yield spool
    await spool.close()


async def test_the_pairing_outlives_the_process_and_ends_the_enrolment(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool.db")
    pending = PendingEnrolment(request=b"r", code_key=b"c" * 32, transport_key=b"t" * 32, made_s=900)
    await spool.pairings.keep_pending(pending)
    assert await spool.pairings.home() is None
    await spool.close()
    spool = await Spool.open(tmp_path / "spool.db")
    assert await spool.pairings.pending() == pending
    await spool.pairings.settle(PAIRING)
    await spool.close()
    spool = await Spool.open(tmp_path / "spool.db")
    assert await spool.pairings.home() == dataclasses.replace(PAIRING, is_home=True)
    assert await spool.pairings.pending() is None
    assert await spool.custody(PAIRING) is await spool.custody(PAIRING)
    await spool.close()


async def test_another_pairing_is_seen_at_once_by_whoever_asked_before(spool: Spool) -> None:
    await spool.pairings.settle(PAIRING)
    assert await spool.pairings.home() == dataclasses.replace(PAIRING, is_home=True)
    other = dataclasses.replace(PAIRING, pseudonym=Pseudonym(b"anew"), is_home=True)
    await spool.pairings.settle(other)
    assert await spool.pairings.all() == (other,)


async def test_failures_alike_share_a_row_and_others_do_not(spool: Spool) -> None:
    outcomes = ["no route"] * 3 + ["refused"] + ["no route"]
    for number, outcome in enumerate(outcomes):
        contact = await spool.diary.begin(link="sat", now_s=number)
        await spool.diary.end(contact, outcome=outcome, now_s=number)
    rows = await spool.diary.newest(10)
    assert [(row.outcome, row.attempts) for row in rows] == [("no route", 1), ("refused", 1), ("no route", 3)]
    assert (rows[-1].began_s, rows[-1].ended_s) == (0, 2)


async def test_a_contact_that_moved_bytes_or_reached_the_hub_has_its_own_row(spool: Spool) -> None:
    for bytes_up, reached in ((0, False), (10, False), (0, True), (0, False)):
        contact = await spool.diary.begin(link="sat", now_s=1)
        await spool.diary.count(contact, bytes_up=bytes_up, bytes_down=0, usd=0.0, reached=reached, now_s=1)
        await spool.diary.end(contact, outcome="cut", now_s=2)
    assert [row.attempts for row in await spool.diary.newest(10)] == [1, 1, 1, 1]


async def test_a_contact_left_open_by_a_killed_process_is_closed_by_the_next(tmp_path: Path) -> None:
    async def open_at(wall_s: float) -> Spool:
        return await Spool.open(tmp_path / "spool.db", execution=Execution.INLINE, wall_s=lambda: wall_s)

    spool = await open_at(1.0)
    killed = await spool.diary.begin(link="sat", now_s=1)
    await spool.diary.count(killed, bytes_up=700, bytes_down=30, usd=0.5, reached=True, now_s=2)
    await spool.close()
    spool = await open_at(9.0)
    (before,) = await spool.diary.newest(1)
    await spool.close()
    assert (before.ended_s, before.outcome, before.bytes_up) == (9, "the program was ended", 700)


async def test_a_contact_beside_another_closes_its_own_row_and_no_other(spool: Spool) -> None:
    speaking = await spool.diary.begin(link="sat", now_s=1)
    beside = await spool.diary.begin(link="radio", now_s=2)
    await spool.diary.end(beside, outcome="no route", now_s=3)
    newest, before = await spool.diary.newest(2)
    assert (newest.ended_s, before.ended_s, before.outcome) == (3, None, "")
    await spool.diary.end(speaking, outcome="done", now_s=9)
    assert [(row.ended_s, row.outcome) for row in await spool.diary.newest(2)] == [
        (3, "no route"),
        (9, "done"),
    ]


async def test_notes_that_belong_together_are_written_together_or_not_at_all(spool: Spool) -> None:
    contact = await spool.diary.begin(link="sat", now_s=1)
    now = Tick(boot="boot 1", monotonic_s=10.0, wall_s=1_800_000_000.0, is_set=True)
    counting = spool.diary.counting(contact, bytes_up=70, bytes_down=0, usd=0.5, reached=True, now_s=2)
    adding = spool.spending.adding("sat", now, usd=0.5, size_bytes=70)

    def fail(_: Connection) -> None:
        raise ValueError("on purpose")

    assert (await spool.spending.today("sat", now)).size_bytes == 0
    with pytest.raises(ValueError, match="on purpose"):
        await spool.note(counting, adding, fail)
    assert (await spool.diary.traffic()).bytes_up == 0
    assert (await spool.spending.today("sat", now)).size_bytes == 0
    ending = spool.diary.ending(contact, outcome="done", now_s=3)
    await spool.note(counting, adding, ending)
    (row,) = await spool.diary.newest(1)
    assert (row.bytes_up, row.outcome) == (70, "done")
    assert (await spool.spending.today("sat", now)).size_bytes == 70


@given(reports=st.lists(st.lists(st.integers(0, 10**6), max_size=4), max_size=5))
async def test_the_sums_are_those_of_the_last_report_of_each_contact(
    reports: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Reports of one contact replace each other, whether they grow or not."""
    path = tmp_path_factory.mktemp("spool") / "spool.db"
    spool = await Spool.open(path, execution=Execution.INLINE)
    try:
        for contact_reports in reports:
            contact = await spool.diary.begin(link="sat", now_s=1)
            for size in contact_reports:
                await spool.diary.count(
                    contact, bytes_up=size, bytes_down=2 * size, usd=size / 4, reached=True, now_s=1
                )
        wanted = sum(each[-1] for each in reports if each)
        traffic = await spool.diary.traffic()
        assert (traffic.bytes_up, traffic.bytes_down, traffic.usd) == (wanted, 2 * wanted, wanted / 4)
    finally:
        await spool.close()


async def test_the_diary_is_bounded_and_its_sums_are_not_lost(spool: Spool) -> None:
    for number in range(CONTACTS_MAX + 20):
        contact = await spool.diary.begin(link="sat", now_s=number)
        await spool.diary.count(contact, bytes_up=1, bytes_down=0, usd=0.0, reached=True, now_s=number)
        await spool.diary.end(contact, outcome="done", now_s=number)
    assert len(await spool.diary.newest(2 * CONTACTS_MAX)) == CONTACTS_MAX
    assert (await spool.diary.traffic()).bytes_up == CONTACTS_MAX + 20


async def test_transfers_wait_in_the_order_in_which_they_go(spool: Spool) -> None:
    queued = [
        (b"photo", Priority.URGENT, Rank.STANDARD),
        (b"headl", Priority.URGENT, Rank.HEADLINE),
        (b"emerg", Priority.EMERGENCY, Rank.TEXT),
    ]
    for name, priority, rank in queued:
        for _ in range(2):
            await spool.transfers.note_queued(
                PAIRING.pseudonym, BundleId(name), priority=priority, rank=rank, size_bytes=100, now_s=5
            )
    assert [each.bundle_id for each in await spool.transfers.unstored()] == [b"emerg", b"headl", b"photo"]
    await spool.transfers.note_stored(PAIRING.pseudonym, [BundleId(b"headl")], now_s=7)
    await spool.transfers.note_stored(PAIRING.pseudonym, [BundleId(b"headl")], now_s=9)
    assert (await spool.transfers.of([BundleId(b"headl"), BundleId(b"other")]))[
        BundleId(b"headl")
    ].stored_s == 7
    assert await spool.transfers.stored(PAIRING.pseudonym) == (b"headl",)
    await spool.transfers.note_lost(PAIRING.pseudonym, [BundleId(b"headl")])
    assert len(await spool.transfers.unstored()) == 3


async def test_the_first_arrival_of_a_bundle_counts(spool: Spool) -> None:
    await spool.transfers.note_arrived(PAIRING.pseudonym, BundleId(b"reply"), NOON)
    await spool.transfers.note_arrived(PAIRING.pseudonym, BundleId(b"reply"), NOON.earlier_by(-60))
    assert await spool.transfers.arrived(PAIRING.pseudonym, BundleId(b"reply")) == NOON
    assert await spool.transfers.arrived(PAIRING.pseudonym, BundleId(b"other")) is None


async def test_one_cause_rings_once_until_it_was_dealt_with(spool: Spool) -> None:
    first = await spool.alarms.raise_alarm("fork", severity="warning", text="Look.", now_s=1)
    assert first is not None
    assert await spool.alarms.raise_alarm("fork", severity="warning", text="Look.", now_s=2) is None
    taken = await spool.alarms.acknowledge(first.alarm, by="Medic")
    again = await spool.alarms.acknowledge(first.alarm, by="Master")
    assert taken is not None
    assert again is not None
    assert again.acknowledged_by == "Medic"
    await spool.alarms.close(["fork"])
    assert await spool.alarms.open_alarms() == ()
    assert await spool.alarms.acknowledge(first.alarm, by="Medic") is None
    later = await spool.alarms.raise_alarm("fork", severity="warning", text="Again.", now_s=3)
    assert later is not None
    assert (later.text, later.acknowledged_by, later.since_s) == ("Again.", None, 3)


async def test_timers_are_replaced_by_kind_and_run_through_a_restart(spool: Spool) -> None:
    def timer(key: str, due_in_s: float) -> Timer:
        return Timer(key=key, severity="warning", text="Recheck.", set_at=NOON, due_in_s=due_in_s)

    await spool.alarms.set_timers("recheck:", [timer("recheck:1", 60), timer("recheck:2", 90)])
    await spool.alarms.set_timers("other:", [timer("other:1", 30)])
    await spool.alarms.set_timers("recheck:", [timer("recheck:3", 120)])
    assert {each.key for each in await spool.alarms.timers()} == {"recheck:3", "other:1"}
    await spool.alarms.drop_timer("other:1")
    (left,) = await spool.alarms.timers()
    assert left == timer("recheck:3", 120)
    assert left.left_s(NOON.earlier_by(-100)) == 20
    rebooted = Moment(boot="boot 2", monotonic_s=10, wall_s=NOON.wall_s + 200, certainty=Certainty.SYNCED)
    assert left.left_s(rebooted) == -80
    unset = Moment(boot="boot 2", monotonic_s=10, wall_s=10, certainty=Certainty.UNSET)
    assert left.left_s(unset) is None
