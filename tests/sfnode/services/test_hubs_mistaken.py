"""Hubs that claim to be another, and joining or leaving that ends half-way: nothing is lost or misled."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from protocol.ids import Pseudonym, mailbox_of
from protocol.ranges import RangeSet
from sfnode.errors import EnrolmentRefused, NotFound, Refused
from sfnode.services.cut_off import cut_off_sentences
from sfnode.services.giving_back import GIVEN_BACK
from sfnode.services.returning import Returning
from sfnode.spool.pairing import Pairing
from sfnode.vault.hubs import HUBS_MAX
from tests.sfnode.services.post import HUB_LIFE, Post, join, leaving_of, open_post, sent_case
from tests.sfnode.services.station import new_case
from tests.sfnode.stand_in_hub import HUB_NAME, ORGANISATION, StandInHub, quick_key


class _Killed(Exception):
    """The process ends here."""


async def _never(*_: object) -> None:
    raise _Killed


async def _cut_off(post: Post, step: str, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """`work`, killed when it comes to that step of the spool's."""
    kept = getattr(post.spool.pairings, step)
    setattr(post.spool.pairings, step, _never)
    try:
        with pytest.raises(_Killed):
            await work()
    finally:
        setattr(post.spool.pairings, step, kept)


async def _home(post: Post) -> Pairing:
    home = await post.spool.pairings.home()
    assert home is not None
    return home


def _anew(hub: StandInHub, pseudonym: bytes = b"anew") -> StandInHub:
    """The same hub after it has lost its pairs, and not its keys."""
    return StandInHub(
        pseudonym=Pseudonym(pseudonym),
        signing=hub.signing,
        opening=hub.opening,
        organisation=hub.organisation,
        name=hub.name,
        stretched=quick_key,
    )


async def _notices(post: Post) -> tuple[str, ...]:
    return cut_off_sentences(await post.vault.directory.all_hubs(), await post.spool.pairings.all())


async def _leave(post: Post, *, abandon: bool) -> None:
    await leaving_of(post).leave(post.hub.address, abandon=abandon)


# Names.


@pytest.mark.parametrize("shows", ["its own key", "the public key of the other"])
async def test_a_hub_that_takes_the_name_of_another_gets_none_of_its_cases(
    tmp_path: Path, shows: str
) -> None:
    """It answers under its own code, and nobody has named the other."""
    async with open_post(tmp_path) as post:
        await sent_case(post)
        liar = StandInHub(pseudonym=Pseudonym(b"liar"))
        if shows != "its own key":
            liar.signing = post.hub.signing
        with pytest.raises(EnrolmentRefused, match=r"with which this site is enrolled\. Nothing was changed"):
            await join(post, liar)
        assert (await post.vault.hub(post.hub.address)).pseudonym == post.hub.pseudonym
        assert await post.book.outbox() == ()


async def test_nor_does_one_that_takes_the_name_of_a_hub_that_was_left(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        await sent_case(post)
        await _leave(post, abandon=True)
        with pytest.raises(EnrolmentRefused, match="which this site has left"):
            await join(post, StandInHub(pseudonym=Pseudonym(b"liar")))
        assert await post.book.outbox() == ()
        assert await post.spool.pairings.all() == ()


async def test_nor_does_one_that_takes_the_name_of_a_hub_that_is_half_joined(tmp_path: Path) -> None:
    """Pseudonyms are seen by whoever carries bundles: to repeat one proves nothing."""
    async with open_post(tmp_path, enrolled=False) as post:
        await _cut_off(post, "settle", lambda: join(post, post.hub))
        liar = StandInHub(pseudonym=post.hub.pseudonym, signing=post.hub.signing)
        with pytest.raises(EnrolmentRefused, match="--again"):
            await join(post, liar)
        kept = await post.vault.hub(post.hub.address)
        assert kept.opening == post.hub.opening.public_key().public_bytes_raw()


async def test_whoever_names_the_hub_joins_it_again_with_the_same_code(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        rebuilt = StandInHub(pseudonym=Pseudonym(b"anew"))
        with pytest.raises(EnrolmentRefused, match="--again"):
            await join(post, rebuilt)
        await join(post, rebuilt, again=await post.enrolment.known("duty DESK"))
        assert rebuilt.requests[0] == rebuilt.requests[1]
        assert (await post.vault.hub(post.hub.address)).pseudonym == rebuilt.pseudonym


async def test_a_hub_may_be_named_when_its_answer_comes_as_a_file(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        rebuilt = _anew(post.hub)
        answer = rebuilt.answer(await post.enrolment.make_request(rebuilt.code))
        with pytest.raises(EnrolmentRefused, match="or the same answer"):
            await post.enrolment.accept_response(answer)
        await post.enrolment.accept_response(answer, again=post.hub.address)
        assert (await _home(post)).pseudonym == rebuilt.pseudonym


async def test_one_code_used_at_two_hubs_joins_the_first_alone(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        first = StandInHub(name="First", pseudonym=Pseudonym(b"frst"))
        second = StandInHub(name="Second", pseudonym=Pseudonym(b"scnd"), secret=first.secret)
        await join(post, first)
        await join(post, second)  # A hub that was given the same secret has never seen the first request.
        assert first.enrolled.transport != second.enrolled.transport
        assert first.secrets != second.secrets


# Cut off between vault and spool.


async def test_a_first_joining_that_was_cut_off_is_finished_with_the_same_code(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        await _cut_off(post, "settle", lambda: join(post, post.hub))
        case = await sent_case(post)  # The vault knows the hub: what is written for it waits.
        assert any(row.case_id == case.case_id for row in await post.book.outbox())
        (told,) = await _notices(post)
        assert told.startswith("Joining Duty desk was cut off")
        await join(post, post.hub)
        assert post.hub.requests[0] == post.hub.requests[1]
        assert await post.outbox.seal_waiting() > 0
        assert await post.book.outbox() == ()
        assert await _notices(post) == ()


async def test_a_joining_that_was_cut_off_is_finished_with_another_code_that_names_the_hub(
    tmp_path: Path,
) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        await _cut_off(post, "settle", lambda: join(post, post.hub))
        case = await sent_case(post)
        await post.enrolment.make_request(StandInHub().code)  # The first request is forgotten.
        other = _anew(post.hub)
        await join(post, other, again=await post.enrolment.known("Duty desk"))
        await post.outbox.seal_waiting()
        held = {each.bundle_id for each in await post.spool.transfers.unstored(other.pseudonym)}
        sealed = {each.bundle_id for each in await post.book.dispatches(case.case_id)}
        assert sealed <= held
        assert await post.book.outbox() == ()


async def test_a_joining_that_was_cut_off_can_be_given_up(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        await _cut_off(post, "settle", lambda: join(post, post.hub))
        await sent_case(post)
        with pytest.raises(Refused, match="messages for Duty desk"):
            await _leave(post, abandon=False)
        assert (await leaving_of(post).leave(post.hub.address, abandon=True)).abandoned
        assert await _notices(post) == ()
        with pytest.raises(NotFound, match="not with that hub any more"):
            await _leave(post, abandon=True)


async def test_a_half_joined_hub_counts_among_the_hubs_that_a_site_may_have(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        for number in range(HUBS_MAX - 2):
            await join(post, StandInHub(name=f"Hub {number}", pseudonym=Pseudonym(b"pn%02d" % number)))
        eighth = StandInHub(name="Eighth", pseudonym=Pseudonym(b"8888"))
        await _cut_off(post, "settle", lambda: join(post, eighth))
        ninth = StandInHub(name="Ninth", pseudonym=Pseudonym(b"9999"))
        with pytest.raises(Refused, match="enrolled with 8 hubs"):
            await join(post, ninth)
        assert ninth.requests == []  # The code is still good.
        await join(post, eighth)
        assert len(await post.spool.pairings.all()) == HUBS_MAX


async def test_a_hub_that_was_left_takes_up_room_when_it_is_joined_again(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        await _leave(post, abandon=True)
        for number in range(HUBS_MAX):
            await join(post, StandInHub(name=f"Hub {number}", pseudonym=Pseudonym(b"pn%02d" % number)))
        back = _anew(post.hub)
        with pytest.raises(Refused, match="enrolled with 8 hubs"):
            await join(post, back, again=post.hub.address)
        assert back.requests == []


@pytest.mark.parametrize("finished", [False, True])
async def test_a_reply_that_waits_is_read_with_the_keys_it_came_under(tmp_path: Path, finished: bool) -> None:
    """Nobody sends it again: the hub was told that it is here."""
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await post.arrive(post.hub.seal_entry(case.advice(post, "Lie down.")), 1)
        rebuilt = _anew(post.hub)
        await _cut_off(post, "settle", lambda: join(post, rebuilt, again=post.hub.address))
        if finished:
            await join(post, rebuilt, again=post.hub.address)
        assert await post.inbox.sealed_urgent() == 1
        assert await post.inbox.open_waiting() == 1
        assert "Lie down." in (await post.book.plan_view(case.case_id)).advice[0]
        assert post.troubles == []


async def test_between_two_pairs_nothing_is_sealed_for_the_one_and_given_to_the_other(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        rebuilt = _anew(post.hub)
        await _cut_off(post, "settle", lambda: join(post, rebuilt, again=post.hub.address))
        assert await post.book.outbox() != ()
        assert await post.outbox.seal_waiting() == 0
        await join(post, rebuilt, again=post.hub.address)
        assert await post.outbox.seal_waiting() > 0


async def test_a_reply_under_a_pair_of_long_ago_is_read_after_a_restart(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await post.arrive(post.hub.seal_entry(case.advice(post, "Lie down.")), 1)
        for name in (b"anew", b"and2"):
            await join(post, _anew(post.hub, name), again=post.hub.address)
    async with open_post(tmp_path, hub=post.hub) as post:
        assert await post.inbox.open_waiting() == 1
        assert "Lie down." in (await post.book.plan_view(case.case_id)).advice[0]


async def test_the_number_of_a_pair_of_long_ago_is_not_given_to_another_hub(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        await join(post, _anew(post.hub), again=post.hub.address)
        twin = StandInHub(name="Twin", pseudonym=post.hub.pseudonym)
        with pytest.raises(EnrolmentRefused, match="another hub uses already"):
            await join(post, twin)


async def test_what_waits_both_ways_outlives_a_hub_that_was_rebuilt_with_new_keys(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await post.arrive(post.hub.seal_entry(case.advice(post, "Lie down.")), 1)
        rebuilt = StandInHub(pseudonym=Pseudonym(b"anew"))
        await join(post, rebuilt, again=post.hub.address)
        await post.outbox.seal_waiting()
        await post.inbox.open_waiting()
        assert "Lie down." in (await post.book.plan_view(case.case_id)).advice[0]
        held = {each.bundle_id for each in await post.spool.transfers.unstored(rebuilt.pseudonym)}
        assert {each.bundle_id for each in await post.book.dispatches(case.case_id)} <= held
        assert await post.spool.transfers.unstored(post.hub.pseudonym) == ()
        assert await (await post.spool.custody_of(post.hub.pseudonym)).outgoing(RangeSet()) == ()


# Leaving.


async def test_what_is_sealed_while_its_hub_is_left_is_not_given_up_unasked(tmp_path: Path) -> None:
    """It would be in the vault when the spool is asked, and in the spool when the vault is asked."""
    async with open_post(tmp_path) as post:
        await post.outbox.seal_waiting()
        for each in await post.spool.transfers.unstored():
            await post.spool.transfers.note_stored(each.pair, [each.bundle_id], now_s=1)
        case_id = (await post.book.open_case(new_case())).case_id
        await post.book.send_case(case_id)
        unstored = post.spool.transfers.unstored

        async def meanwhile(pair: Pseudonym | None = None) -> Any:
            seen = await unstored(pair)
            if not post.outbox.turn.locked():
                await post.outbox.seal_waiting()  # As the daemon would, if it were let.
            return seen

        post.spool.transfers.unstored = meanwhile  # type: ignore[method-assign]  # something happens meanwhile
        with pytest.raises(Refused, match="messages for Duty desk"):
            await _leave(post, abandon=False)
        assert len(await post.spool.pairings.all()) == 1


async def test_what_is_written_while_its_hub_is_left_is_not_given_up_unasked(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        for each in await post.spool.transfers.unstored():
            await post.spool.transfers.note_stored(each.pair, [each.bundle_id], now_s=1)
        unstored = post.spool.transfers.unstored

        async def meanwhile(pair: Pseudonym | None = None) -> Any:
            seen = await unstored(pair)
            await post.book.add_note(case.case_id, language="en", text="Worse.")
            return seen

        post.spool.transfers.unstored = meanwhile  # type: ignore[method-assign]  # something happens meanwhile
        with pytest.raises(Refused, match="1 messages for Duty desk"):
            await _leave(post, abandon=False)
        assert (await post.vault.hub(post.hub.address)).left_s is None


async def test_leaving_that_was_cut_off_goes_on_sending_and_is_finished_by_repeating_it(
    tmp_path: Path,
) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await _cut_off(post, "leave", lambda: _leave(post, abandon=True))
    async with open_post(tmp_path, hub=post.hub) as post:
        assert await post.spool.transfers.unstored(post.hub.pseudonym)
        await post.arrive(post.hub.seal_entry(case.advice(post, "Lie down.")), 1)
        assert await post.inbox.open_waiting() == 1
        assert "Lie down." in (await post.book.plan_view(case.case_id)).advice[0]
        (told,) = await _notices(post)
        assert told.startswith("Leaving Duty desk was cut off")
        await _leave(post, abandon=True)
        assert await _notices(post) == ()
        assert await post.spool.pairings.all() == ()
        assert await post.spool.transfers.unstored() == ()


async def test_a_reply_that_came_just_before_its_hub_was_left_is_read(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await post.arrive(post.hub.seal_entry(case.advice(post, "Lie down.")), 1)
        await _leave(post, abandon=True)
        assert await post.inbox.open_waiting() == 1
        assert "Lie down." in (await post.book.plan_view(case.case_id)).advice[0]


@pytest.mark.parametrize("is_left", [True, False])
async def test_what_was_promised_back_under_one_pair_is_given_back_once_under_the_next(
    tmp_path: Path, is_left: bool
) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        await post.arrive(post.hub.seal_entry(case.advice(post, "Lie down.")), 1)
        await post.inbox.open_waiting()
        assert await (await post.custody()).note_return(HUB_LIFE, RangeSet.of([(1, 2)])) == 1
        returning = Returning(post.vault, post.spool, clock=post.clock)
        if is_left:
            await _leave(post, abandon=True)
            assert await returning.queue_asked() == 0
        await join(post, _anew(post.hub), again=post.hub.address)
        assert await returning.queue_asked() == 0
        given = [each for each in await post.book.outbox() if each.what == GIVEN_BACK]
        assert [each.hub for each in given] == [post.hub.address]


async def test_bundles_of_one_pair_replayed_on_another_are_kept_aside(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        case = await sent_case(post)
        burns = StandInHub(organisation="Other Health", name="Burns centre", pseudonym=Pseudonym(b"burn"))
        await join(post, burns)
        sealed = post.hub.seal_entry(case.advice(post, "Lie down."))
        await post.arrive_from(burns, sealed, 1)
        assert await post.inbox.open_waiting() == 1
        assert (await post.book.plan_view(case.case_id)).advice == ()
        (told,) = post.troubles
        assert "kept aside" in told
        await post.arrive(sealed, 1)
        assert await post.inbox.open_waiting() == 1
        assert len((await post.book.plan_view(case.case_id)).advice) == 1


@pytest.mark.parametrize(
    "looks",
    [
        "Duty desk ",
        "Duty\u00a0desk",
        "Duty\u200b desk",
        "DUTY DESK",
        "\u202aDuty desk",
        "\uff24uty\n\x1bdesk",
    ],
)
async def test_a_hub_whose_name_only_a_machine_can_tell_from_another_s_is_called_otherwise(
    tmp_path: Path, looks: str
) -> None:
    async with open_post(tmp_path) as post:
        await join(post, StandInHub(name=looks, pseudonym=Pseudonym(b"like")))
        first, second = [each.name for each in await post.spool.pairings.all()]
        assert (first, second.casefold()) == (HUB_NAME, f"{HUB_NAME}, {ORGANISATION}".casefold())
        assert second.isprintable()
        for name, address in ((first, post.hub.address), (second, mailbox_of(ORGANISATION, looks))):
            assert (await post.spool.pairings.named(f"  {name.upper()} ")).hub == address
            assert await post.enrolment.known(name) == address


async def test_a_hub_whose_name_nobody_could_see_or_type_is_called_something(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        for number, name in enumerate(("\u200b", "http://elsewhere")):
            await join(post, StandInHub(name=name, pseudonym=Pseudonym(b"odd%d" % number)))
        assert [each.name for each in await post.spool.pairings.all()][1:] == ["Hub", "http elsewhere"]
