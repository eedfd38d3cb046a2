"""Enrolment: what a code lets in, and everything that ends one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.enrolment import (
    MESSAGE_BYTES_MAX,
    NONCE_BYTES,
    PAIR_CLAIM_BYTES,
    HubKeys,
    SiteKeys,
    pair_claim,
    read_response,
    write_request,
)
from protocol.errors import EnrolmentRefused
from sfhub.app import Hub, open_hub
from sfhub.config import HubFolder
from sfhub.errors import BadRequest
from sfhub.storage.codes import CodeState
from tests.sfhub.site import Site, TestClock, stretched

OTHER_CODE = "0000-0000-0000-0000"


async def refusal(hub: Hub, request: bytes) -> str:
    with pytest.raises(EnrolmentRefused) as refused:
        await hub.enrolment.answer(request)
    return str(refused.value)


async def state_of(hub: Hub, site_name: str) -> tuple[CodeState, int]:
    (code,) = [code for code in await hub.enrolment.codes() if code.site_name == site_name]
    return code.state, code.tries


async def test_both_ends_agree_on_names_and_secrets(hub: Hub) -> None:
    site = Site("MV ARGO")
    code = (await hub.enrolment.new_code("MV ARGO")).code
    request = site.request(code)
    site.accept(await hub.enrolment.answer(request), request, code)
    (pair,) = hub.sites.directory.pairs
    assert (site.known_hub.site_name, site.known_hub.hub_name) == ("MV ARGO", "Main desk")
    assert pair.site == site.mailbox
    assert hub.sites.secrets(pair) == site.secrets


async def test_the_code_itself_is_nowhere_on_the_disk(hub: Hub, folder: HubFolder) -> None:
    printed = await hub.enrolment.new_code("MV ARGO")
    bare = printed.code.replace("-", "")
    await hub.database.close()
    for path in folder.root.iterdir():
        if path.is_file():
            data = path.read_bytes()
            assert printed.code.encode() not in data
            assert bare.encode() not in data


async def test_three_wrong_tries_burn_the_code_they_were_aimed_at(hub: Hub) -> None:
    await hub.enrolment.new_code("MV OTHER")
    right = (await hub.enrolment.new_code("MV ARGO")).code
    for _ in range(3):
        assert "does not match" in await refusal(hub, Site("MV ARGO").request(OTHER_CODE))
    assert await state_of(hub, "MV ARGO") == (CodeState.BURNT, 3)
    assert await state_of(hub, "MV OTHER") == (CodeState.OPEN, 0)
    assert "burnt after 3 wrong tries" in await refusal(hub, Site("MV ARGO").request(right))


async def test_two_wrong_tries_leave_the_right_one(hub: Hub) -> None:
    right = (await hub.enrolment.new_code("MV ARGO")).code
    for _ in range(2):
        await refusal(hub, Site("MV ARGO").request(OTHER_CODE))
    assert await hub.enrolment.answer(Site("MV ARGO").request(right))


async def test_a_wrong_try_aimed_at_nobody_counts_against_everybody(hub: Hub) -> None:
    await hub.enrolment.new_code("MV ARGO")
    await hub.enrolment.new_code("MV OTHER")
    await refusal(hub, Site("MV STRANGER").request(OTHER_CODE))
    assert await state_of(hub, "MV ARGO") == (CodeState.OPEN, 1)
    assert await state_of(hub, "MV OTHER") == (CodeState.OPEN, 1)


async def test_the_right_code_under_another_spelling_of_the_name_works(hub: Hub) -> None:
    right = (await hub.enrolment.new_code("MV ARGO")).code
    site = Site("Argo")
    request = site.request(right)
    site.accept(await hub.enrolment.answer(request), request, right)
    assert site.known_hub.site_name == "MV ARGO"


async def test_a_used_code_is_refused_to_everybody_else(hub: Hub) -> None:
    right = (await hub.enrolment.new_code("MV ARGO")).code
    await hub.enrolment.answer(Site("MV ARGO").request(right))
    assert "was used already" in await refusal(hub, Site("MV ARGO").request(right))
    assert len(hub.sites.directory.pairs) == 1


async def test_an_answer_lost_on_the_way_comes_again(hub: Hub) -> None:
    right = (await hub.enrolment.new_code("MV ARGO")).code
    request = Site("MV ARGO").request(right)
    first = await hub.enrolment.answer(request)
    assert await hub.enrolment.answer(request) == first
    assert len(hub.sites.directory.pairs) == 1


async def test_an_expired_code_is_refused(hub: Hub, clock: TestClock) -> None:
    right = (await hub.enrolment.new_code("MV ARGO", lifetime_s=3600)).code
    clock.now_s += 3600
    assert "has expired" in await refusal(hub, Site("MV ARGO").request(right))


@pytest.mark.parametrize("cut", [0, 1, 2, 14, 15, 40, -1])
async def test_a_truncated_request_is_refused(hub: Hub, cut: int) -> None:
    right = (await hub.enrolment.new_code("MV ARGO")).code
    await refusal(hub, Site("MV ARGO").request(right)[:cut])
    assert not hub.sites.directory.pairs


async def test_a_flipped_bit_is_refused(hub: Hub) -> None:
    right = (await hub.enrolment.new_code("MV ARGO")).code
    request = bytearray(Site("MV ARGO").request(right))
    request[60] ^= 1
    await refusal(hub, bytes(request))


async def test_an_oversized_request_is_refused(hub: Hub) -> None:
    right = (await hub.enrolment.new_code("MV ARGO")).code
    await refusal(hub, Site("MV ARGO").request(right) + bytes(MESSAGE_BYTES_MAX))


async def test_enrolling_again_gives_a_second_pair_of_the_same_site(hub: Hub) -> None:
    first, second = Site("MV ARGO"), Site("MV ARGO")
    await first.enrol(hub)
    await second.enrol(hub)
    assert first.mailbox == second.mailbox
    newest = hub.sites.directory.newest_pair(first.mailbox)
    assert newest is not None
    assert newest.pseudonym == second.known_hub.pseudonym


Change = Callable[[SiteKeys], SiteKeys]


async def claimed(hub: Hub, site: Site, change: Change = lambda keys: keys) -> HubKeys:
    """The answer to a request of a site that has enrolled, as if something of it were otherwise."""
    code = (await hub.enrolment.new_code(site.name)).code
    claim = pair_claim(site.known_hub.pseudonym, site.secrets.link)
    keys = change(replace(site.keys, known_hub=site.known_hub.signing, pair=claim))
    request = write_request(keys, key=stretched(code), nonce=bytes(NONCE_BYTES))
    return read_response(await hub.enrolment.answer(request), request, key=stretched(code))


async def test_a_device_that_still_has_its_pair_keeps_it(hub: Hub, site: Site) -> None:
    before = hub.sites.directory.pairs
    answer = await claimed(hub, site, lambda keys: replace(keys, transport=Site("MV ARGO").keys.transport))
    assert answer.pseudonym == site.known_hub.pseudonym
    assert hub.sites.directory.pairs == before


@pytest.mark.parametrize(
    "change",
    [
        lambda keys: replace(keys, pair=b""),
        lambda keys: replace(keys, pair=bytes(PAIR_CLAIM_BYTES)),
        lambda keys: replace(keys, signing=Site("MV ARGO").keys.signing),
    ],
    ids=["none", "another", "of another device"],
)
async def test_a_device_that_cannot_show_its_pair_gets_another(hub: Hub, site: Site, change: Change) -> None:
    answer = await claimed(hub, site, change)
    assert answer.pseudonym != site.known_hub.pseudonym
    assert len(hub.sites.directory.pairs) == 2


async def test_a_device_whose_place_another_has_taken_does_not_slip_back_into_its_pair(
    hub: Hub, site: Site
) -> None:
    await Site("MV ARGO").enrol(hub)
    answer = await claimed(hub, site)
    newest = hub.sites.directory.newest_pair(site.mailbox)
    assert newest is not None
    assert newest.pseudonym == answer.pseudonym != site.known_hub.pseudonym


async def test_a_site_is_known_after_a_restart(folder: HubFolder, clock: TestClock) -> None:
    site = Site("MV ARGO")
    async with open_hub(folder, clock) as hub:
        await site.enrol(hub)
    async with open_hub(folder, clock) as hub:
        pair = hub.sites.directory.pair_of(site.known_hub.pseudonym)
        assert pair is not None
        assert hub.sites.secrets(pair) == site.secrets


@pytest.mark.parametrize("name", ["", " ARGO", "a\nb", "x" * 121, "evil\u202ename"])
async def test_a_name_that_no_record_can_hold_is_refused(hub: Hub, name: str) -> None:
    with pytest.raises(BadRequest):
        await hub.enrolment.new_code(name)
