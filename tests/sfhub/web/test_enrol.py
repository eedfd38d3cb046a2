"""POST /enrol over a real server: the answer, and a sentence for everything that is no request."""

from __future__ import annotations

import aiohttp
import pytest

from protocol.enrolment import MESSAGE_BYTES_MAX
from sfhub.app import Hub
from sfhub.web.enrolment import BURST
from tests.sfhub.site import Site, TestClock

Browser = aiohttp.ClientSession


async def post(stranger: Browser, data: bytes) -> tuple[int, bytes]:
    async with stranger.post("/enrol", data=data) as response:
        return response.status, await response.read()


async def test_a_site_enrols_over_the_link(served: Hub, stranger: Browser) -> None:
    printed = await served.enrolment.new_code("MV ARGO")
    site = Site("MV ARGO")
    request = site.request(printed.code)
    status, answer = await post(stranger, request)
    assert status == 200
    assert len(request) + len(answer) < 500
    site.accept(answer, request, printed.code)
    assert served.contacts.pair_of(site.known_hub.pseudonym) is not None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 403),
        (b"\x01", 403),
        (bytes(200), 403),
        (bytes(MESSAGE_BYTES_MAX + 1), 413),
        (bytes(100_000), 413),
    ],
)
async def test_what_is_no_request_gets_a_sentence(
    served: Hub, stranger: Browser, data: bytes, status: int
) -> None:
    await served.enrolment.new_code("MV ARGO")
    answered, sentence = await post(stranger, data)
    assert answered == status
    assert sentence.decode().endswith(".")
    assert not served.sites.directory.pairs


async def test_guessing_is_slowed_down(served: Hub, stranger: Browser, clock: TestClock) -> None:
    statuses = [(await post(stranger, b"?"))[0] for _ in range(BURST + 1)]
    assert statuses == [403] * BURST + [429]
    clock.now_s += 10
    assert (await post(stranger, b"?"))[0] == 403


async def test_a_caller_nobody_enrolled_is_told_so(stranger: Browser) -> None:
    async with stranger.post("/sync", data=b"\x01" + bytes(16)) as response:
        assert response.status == 403
        assert "enrol this site again" in await response.text()
