"""The way into the vault: replies applied once, what cannot be opened kept aside, a lock waited for."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.bundle import EntryBundle
from protocol.clinical import Vitals
from protocol.header import Priority
from protocol.sealing import HpkeSealer, Prekey
from sfnode.services.clock import moment_of
from tests.sfnode.services.post import Post, open_post, sent_case
from tests.sfnode.services.station import PASSPHRASE
from tests.sfnode.stand_in_hub import PSEUDONYM


async def waiting(post: Post) -> int:
    return len(await (await post.custody()).received_after(0, 100))


async def test_a_reply_is_applied_and_leaves_custody(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await post.arrive(post.hub.seal_entry(case.reply(post)), 1)
        assert await waiting(post) == 1
        assert await post.inbox.open_waiting() == 1
        assert await waiting(post) == 0
        (reply,) = (await post.book.plan_view(case.case_id)).replies
        assert reply.assessment == "Likely a heart attack."
        assert await post.book.unread_replies() == 1
        assert await post.inbox.open_waiting() == 0


async def test_what_cannot_be_opened_is_kept_aside_and_stops_nothing(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        good = post.hub.seal_entry(case.advice(post, "Sit the patient up."))
        altered = post.hub.seal_entry(case.advice(post, "Lay the patient down."))
        altered = replace(altered, sealed=altered.sealed[:-1] + bytes((altered.sealed[-1] ^ 1,)))
        strange_suite = replace(
            post.hub.seal_entry(case.advice(post, "Wait.")), sealed=b"\x7f" + good.sealed[1:]
        )
        for_another = post.hub.down.seal(
            EntryBundle((case.advice(post, "Walk."),)),
            priority=Priority.URGENT,
            recipient=Prekey(X25519PrivateKey.generate().public_key().public_bytes_raw()),
            sealer=HpkeSealer(os.urandom),
        )
        for sequence, sealed in enumerate((altered, strange_suite, for_another, good), start=1):
            await post.arrive(sealed, sequence)
        assert await post.inbox.open_waiting() == 4
        assert (await post.book.plan_view(case.case_id)).advice[0].endswith("Sit the patient up.")
        assert len(post.troubles) == 3
        reasons = [incident.reason for incident in await (await post.custody()).incidents_after(0, 10)]
        assert len(reasons) == 3
        assert any("not held here" in reason for reason in reasons)
        assert any("suite 127" in reason for reason in reasons)


async def test_the_same_bundle_under_another_number_is_applied_once(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        sealed = post.hub.seal_entry(case.advice(post, "Sit the patient up."))
        await post.arrive(sealed, 1)
        await post.inbox.open_waiting()
        await post.arrive(sealed, 2)
        assert await post.inbox.open_waiting() == 0
        assert len((await post.book.plan_view(case.case_id)).advice) == 1


async def test_a_locked_vault_keeps_replies_sealed_and_can_tell_how_many(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await post.vault.lock()
        await post.arrive(post.hub.seal_entry(case.reply(post)), 1)
        routine = post.hub.seal(EntryBundle((case.advice(post, "Later."),)), Priority.ROUTINE)
        await post.arrive(routine, 2, Priority.ROUTINE)
        assert await post.inbox.open_waiting() == 0
        assert await post.inbox.sealed_urgent() == 1
        assert await waiting(post) == 2
        await post.vault.unlock(PASSPHRASE)
        assert await post.inbox.open_waiting() == 2
        assert await post.inbox.sealed_urgent() == 0


async def test_a_reply_is_valid_from_its_arrival_and_not_from_the_unlocking(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        sealed = post.hub.seal_entry(case.reply(post))
        await post.arrive(sealed, 1)
        await post.spool.transfers.note_arrived(PSEUDONYM, sealed.bundle_id, moment_of(post.clock))
        post.clock.pass_time(61 * 60)
        await post.inbox.open_waiting()
        (reply,) = (await post.book.plan_view(case.case_id)).replies
        assert reply.valid_until == "NO LONGER VALID"
        assert await post.spool.transfers.arrived(PSEUDONYM, sealed.bundle_id) is None


async def test_a_reply_whose_arrival_nobody_noted_is_not_called_valid(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await post.arrive(post.hub.seal_entry(case.reply(post)), 1)
        await post.inbox.open_waiting()
        (reply,) = (await post.book.plan_view(case.case_id)).replies
        assert reply.valid_until == "cannot tell: confirm"


async def test_an_alarm_that_a_reply_raises_is_kept_before_custody_lets_go(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        low = Vitals(observed_s=int(post.clock.wall_s()), spo2_percent=84)
        await post.book.add_vitals(case.case_id, [low])
        await post.arrive(post.hub.seal_entry(case.reply(post)), 1)
        await post.inbox.open_waiting()
        assert [alarm.case for alarm in post.kept_alarms] == [case.case_id.hex()]
        assert "84" in post.kept_alarms[0].text
