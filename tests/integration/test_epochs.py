"""Keys through the months: what was sealed for an old one opens or is sealed again, and arrives once."""

from __future__ import annotations

from pathlib import Path

from protocol.actors import Role
from protocol.ids import CaseId
from protocol.keyring import DAY_S
from protocol.sealing import Prekey
from sfhub.storage.people import Clinician
from sfhub.storage.quarantine import put_aside_count
from sfnode.services.outgoing import UNOPENED_AT_HUB
from sfnode.services.progress import SpoolCarriage
from sfnode.vault import keys
from tests.integration.voyage import Voyage, open_voyage

AWAY_DAYS = 31


async def arrived(voyage: Voyage) -> list[str]:
    """Questions of the cases whose signed text the hub has opened; a headline is keyed otherwise."""
    cases = [
        await voyage.hub.worklist.case(CaseId(bytes.fromhex(row.case)))
        for row in await voyage.hub.worklist.queue()
    ]
    return sorted(case.question for case in cases if case.arrivals.text_s is not None)


async def known_epochs(voyage: Voyage) -> set[int]:
    return {
        key.epoch
        for key in await voyage.post.vault.directory.hub_keys((await voyage.post.vault.directory.hubs())[0])
    }


async def rotate_while_away(voyage: Voyage, times: int) -> None:
    for _ in range(times):
        voyage.pass_days(AWAY_DAYS)
        await voyage.settle_hub()


async def specialist(voyage: Voyage) -> Clinician:
    return await voyage.hub.people.add("Specialist on duty", Role.SPECIALIST)


async def advice(voyage: Voyage, case_id: CaseId) -> tuple[str, ...]:
    """What the site can read of the hub's immediate advice."""
    plan = (await voyage.post.book.case_view(case_id)).plan
    return () if plan is None else plan.advice


async def test_six_epochs_away(tmp_path: Path) -> None:
    """What was sealed for the enrolment's key opens; what is sealed after the news is for the newest."""
    async with open_voyage(tmp_path) as voyage:
        await voyage.new_case("before")
        await rotate_while_away(voyage, 6)
        await voyage.new_case("still for the old key")
        assert max(voyage.hub.keys.epochs) == 6
        assert await known_epochs(voyage) == {0}
        await voyage.meet()
        assert await arrived(voyage) == ["before", "still for the old key"]
        assert 6 in await known_epochs(voyage)
        await voyage.meet()  # The site's own new key, which a month has made due, is on its way until here.
        await voyage.new_case("after")
        assert await voyage.sealed_for() == {voyage.hub.keys.newest_id}
        await voyage.meet()
        assert await arrived(voyage) == ["after", "before", "still for the old key"]
        assert await voyage.hub.database.read(put_aside_count) == 0


async def test_a_destroyed_key_costs_a_second_seal_and_no_case(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        await rotate_while_away(voyage, 6)
        await voyage.new_case("sealed for a key that is gone")
        await voyage.hub.prekeys.destroy_epoch(0)
        await voyage.meet()
        assert await arrived(voyage) == []
        assert await voyage.hub.database.read(put_aside_count) > 0
        await voyage.meet()
        await voyage.meet()
        assert await arrived(voyage) == ["sealed for a key that is gone"]
        assert await voyage.hub.database.read(put_aside_count) == 0
        report = await voyage.meet()
        assert report.counters.bundles_sent == 0
        assert await arrived(voyage) == ["sealed for a key that is gone"]
        await voyage.new_case("afterwards")
        assert await voyage.sealed_for() == {voyage.hub.keys.newest_id}


async def test_the_site_never_reads_delivered_of_what_cannot_be_opened(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        await rotate_while_away(voyage, 1)
        await voyage.new_case("sealed for a key that is gone")
        await voyage.hub.prekeys.destroy_epoch(0)
        await voyage.meet()
        await voyage.post.vault.lock()
        custody = await voyage.post.custody()
        await voyage.meet()
        asked = await custody.rekeys()
        assert asked
        assert await voyage.post.outbox.seal_waiting() == 0
        assert len(await custody.rekeys()) == len(asked)
        carriage = SpoolCarriage(voyage.post.spool)
        for each in asked:
            progress = (await carriage.progress([each.bundle_id]))[each.bundle_id]
            assert (progress.state, progress.stored_s, progress.done_bytes) == (UNOPENED_AT_HUB, None, 0)


async def test_the_mirror_image(tmp_path: Path) -> None:
    """The hub answers for a key that the site has lost; the reply comes once, for the newest key."""
    async with open_voyage(tmp_path) as voyage:
        case_id = await voyage.new_case("what now?")
        await voyage.meet()
        voyage.pass_days(AWAY_DAYS)
        await voyage.settle_site()
        vault = voyage.post.vault.directory
        author = await specialist(voyage)
        await voyage.hub.replies.advise(case_id, author, "Give oxygen.")
        await voyage.hub.outbox.flush()
        await vault._database.write(lambda connection: keys.destroy_key(connection, 0))
        await voyage.meet()
        assert await advice(voyage, case_id) == ()
        assert await (await voyage.post.custody()).unopened()
        for _ in range(4):
            await voyage.meet()
        (said,) = await advice(voyage, case_id)
        assert "Give oxygen." in said
        assert not await (await voyage.post.custody()).unopened()
        ring = (await voyage.post.vault.identity()).ring
        assert ring.newest.epoch == 1
        newest = {Prekey(ring.newest.public).short_id}
        await voyage.hub.replies.advise(case_id, author, "Lay him down.")
        await voyage.hub.outbox.flush()
        custody = await voyage.hub.custody.pair(voyage.pair.pseudonym)
        pending = (await custody.open_session()).pending
        assert {bundle.offer.recipient_key for bundle in pending} == newest


async def test_a_clock_that_leaps_destroys_nothing(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        await voyage.hub.prekeys.keep_current()
        for _ in range(5):
            voyage.hub_clock.pass_time(20 * 365 * DAY_S)
            await voyage.hub.prekeys.keep_current()
            voyage.hub_clock.pass_time(-20 * 365 * DAY_S)
            await voyage.hub.prekeys.keep_current()
        assert set(voyage.hub.keys.epochs) == set(range(6))
        assert all(one.row.made_s <= voyage.hub_clock.wall_s() for one in await voyage.hub.prekeys.epochs())


async def test_in_two_years_old_keys_go_and_the_last_resort_stays(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        await rotate_while_away(voyage, 30)
        held = set(voyage.hub.keys.epochs)
        assert 0 in held
        assert held == {0} | set(range(31 - len(held) + 1, 31))
        assert 13 <= len(held) - 1 <= 15
        await voyage.new_case("after two and a half years")
        await voyage.meet()
        assert await arrived(voyage) == ["after two and a half years"]
