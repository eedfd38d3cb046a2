"""Enrolment as a site does it: answers lost, altered, or meant for another request."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.errors import EnrolmentRefused as CodeRefused
from sfnode.errors import EnrolmentRefused, LinkDown, NotFound, VaultLocked
from tests.sfnode.services.post import open_post
from tests.sfnode.stand_in_hub import HUB_NAME, ORGANISATION, PSEUDONYM, StandInHub

URL = "http://hub.example"


async def test_both_sides_hold_the_same_secrets_afterwards(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        enrolled = await post.enrolment.enrol(URL, post.hub.code)
        assert (enrolled.site, enrolled.organisation, enrolled.hub) == ("MV ARGO", ORGANISATION, HUB_NAME)
        pairing, hub = await post.spool.pairings.home(), await post.vault.hub(post.hub.address)
        assert pairing is not None
        assert (pairing.pseudonym, pairing.link_secret) == (PSEUDONYM, post.hub.secrets.link)
        assert hub.bundle_secret == post.hub.secrets.bundle_ids
        assert hub.signing == post.hub.signing.public_key().public_bytes_raw()
        assert (pairing.site, pairing.hub) == (hub.site, hub.hub)
        assert await post.spool.pairings.pending() is None


async def test_an_answer_lost_on_the_way_is_asked_for_again_with_the_same_request(tmp_path: Path) -> None:
    """The hub has used the code up for this request: another one with the same code would be refused."""
    async with open_post(tmp_path, enrolled=False) as post:
        post.counter.answers_lost = 1
        with pytest.raises(LinkDown):
            await post.enrolment.enrol(URL, post.hub.code)
        await post.enrolment.enrol(URL, post.hub.code)
        first, second = post.hub.requests
        assert first == second
        assert await post.spool.pairings.home() is not None


async def test_another_code_makes_another_request_with_other_keys(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        first = await post.enrolment.make_request(post.hub.code)
        assert await post.enrolment.make_request(post.hub.code) == first
        assert await post.enrolment.make_request(StandInHub().code) != first


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "answer to another request"])
async def test_an_answer_that_is_none_changes_nothing(tmp_path: Path, damage: str) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        answer = post.hub.answer(await post.enrolment.make_request(post.hub.code))
        if damage == "answer to another request":
            await post.enrolment.make_request(StandInHub().code)
        damaged = {"flipped": answer[:-1] + bytes((answer[-1] ^ 1,)), "cut": answer[:-1], "empty": b""}
        with pytest.raises(EnrolmentRefused, match="Nothing was changed"):
            await post.enrolment.accept_response(damaged.get(damage, answer))
        assert await post.spool.pairings.home() is None


async def test_a_wrong_code_is_noticed_before_anything_leaves(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        with pytest.raises(EnrolmentRefused, match="16 letters and digits"):
            await post.enrolment.enrol(URL, "7K2M")
        assert post.hub.requests == []


async def test_a_hub_that_does_not_know_the_code_refuses(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        with pytest.raises(CodeRefused):
            await post.enrolment.enrol(URL, StandInHub().code)


async def test_an_answer_without_a_request_is_refused(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        with pytest.raises(NotFound, match="No enrolment request was made here"):
            await post.enrolment.accept_response(b"anything")


async def test_enrolling_needs_the_vault(tmp_path: Path) -> None:
    async with open_post(tmp_path, enrolled=False) as post:
        await post.vault.lock()
        with pytest.raises(VaultLocked):
            await post.enrolment.enrol(URL, post.hub.code)
