"""What stands between a site and its hub does to requests what it says, and passes on the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from simulations.virtual.between import BETWEEN, Between
from simulations.virtual.loop import run_virtual, virtual_loop
from simulations.virtual.meddling import REFUSALS, Meddle, Meddling, draw_web
from simulations.virtual.network import Network
from simulations.virtual.tcp_socket import MemorySocket
from simulations.virtual.web_server import answering
from simulations.virtual.wire import Wire

from .tcp_hosts import HUB, SITE, at, profile

ANSWER = b"the answer of the hub"


@dataclass
class Heard:
    """What came of one request."""

    status: int = 0
    body: bytes = b""
    at_hub: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    took_s: float = 0.0
    broke: bool = False


Ask = Callable[[aiohttp.ClientSession, Heard], Awaitable[None]]


async def post(client: aiohttp.ClientSession, heard: Heard) -> None:
    async with client.post(f"http://{HUB}/x", data=b"question") as response:
        heard.status = response.status
        heard.body = await response.read()


def heard_of(meddling: Meddling, ask: Ask = post) -> Heard:
    heard = Heard()

    async def answer(request: web.Request) -> web.StreamResponse:
        heard.at_hub.append(await request.content.readany())
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(ANSWER)
        heard.at_hub[-1] += await request.content.read()
        return response

    async def be_hub() -> None:
        app = web.Application()
        app.router.add_post("/x", answer)
        async with answering(app, HUB):
            await asyncio.sleep(600.0)

    async def be_site() -> None:
        await asyncio.sleep(1.0)
        connector = aiohttp.TCPConnector(socket_factory=lambda address: MemorySocket(*address[:2]))
        async with aiohttp.ClientSession(connector=connector) as client:
            began_s = virtual_loop().time()
            try:
                await ask(client, heard)
            except aiohttp.ClientError:
                heard.broke = True
            heard.took_s = virtual_loop().time() - began_s

    async def main() -> None:
        network = virtual_loop().network
        network.join(SITE, HUB, Wire(profile(rate_bit_s=1e6, delay_ms=10.0), seed=1))
        network.streams.put_between(SITE, HUB, BETWEEN)
        between = Between(network, HUB, meddling, lambda _, what: heard.told.append(what))
        async with asyncio.TaskGroup() as group:
            standing = group.create_task(between.run())
            serving = at(HUB, be_hub())
            await at(SITE, be_site())
            await asyncio.sleep(100.0)
            standing.cancel()
            serving.cancel()

    run_virtual(main(), network=Network())
    return heard


def always(meddle: Meddle) -> Meddling:
    return Meddling(shares=((meddle, 1.0),), seed="1")


@pytest.mark.parametrize("kind", [Meddling(), Meddling(holds_requests=True), Meddling(holds_answers=True)])
def test_a_kind_one_passes_everything_on(kind: Meddling) -> None:
    heard = heard_of(kind)
    assert (heard.status, heard.body, heard.at_hub, heard.told) == (200, ANSWER, [b"question"], [])


def test_one_that_does_not_hold_lets_both_bodies_flow_at_once() -> None:
    async def ask(client: aiohttp.ClientSession, heard: Heard) -> None:
        came = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            yield b"first "
            await came.wait()
            yield b"second"

        async with client.post(f"http://{HUB}/x", data=pieces()) as response:
            heard.body = await response.content.readexactly(len(ANSWER))
            came.set()
            await response.read()

    heard = heard_of(Meddling(), ask)
    assert (heard.body, heard.at_hub) == (ANSWER, [b"first second"])


@pytest.mark.parametrize("meddle", [Meddle.REFUSES, Meddle.LOGIN])
def test_of_some_requests_the_hub_never_hears(meddle: Meddle) -> None:
    heard = heard_of(always(meddle))
    assert heard.at_hub == []
    assert heard.status in ((200,) if meddle is Meddle.LOGIN else REFUSALS)
    assert heard.body.startswith(b"<html>")
    assert heard.told == [str(meddle)]


def test_what_is_too_large_is_refused() -> None:
    heard = heard_of(Meddling(holds_requests=True, body_bytes_max=7))
    assert (heard.status, heard.at_hub, heard.told) == (413, [], ["finds a request too large"])
    assert heard_of(Meddling(holds_requests=True, body_bytes_max=8)).status == 200


def test_an_answer_is_lost_when_the_hub_has_acted() -> None:
    heard = heard_of(always(Meddle.LOSES))
    assert (heard.status, heard.at_hub) == (502, [b"question"])


def test_a_request_is_said_twice() -> None:
    heard = heard_of(always(Meddle.REPEATS))
    assert (heard.status, heard.body, heard.at_hub) == (200, ANSWER, [b"question"] * 2)


def test_an_answer_breaks_off() -> None:
    heard = heard_of(always(Meddle.BREAKS))
    assert heard.broke
    assert heard.at_hub == [b"question"]


def test_a_request_is_delayed() -> None:
    heard = heard_of(always(Meddle.DELAYS))
    assert heard.body == ANSWER
    assert 1.0 < heard.took_s < 51.0


def test_one_bit_of_the_answer_is_changed() -> None:
    heard = heard_of(always(Meddle.FLIPS))
    changed = int.from_bytes(heard.body, "big") ^ int.from_bytes(ANSWER, "big")
    assert (len(heard.body), changed.bit_count()) == (len(ANSWER), 1)


def test_a_kind_one_still_holds_what_it_held() -> None:
    meddling = Meddling(holds_requests=True, body_bytes_max=9, shares=((Meddle.LOSES, 0.5),), seed="1")
    assert meddling.kind() == Meddling(holds_requests=True, seed="1")


def test_worlds_have_all_kinds_of_them_and_none() -> None:
    webs = [draw_web(random.Random(seed), str(seed)) for seed in range(60)]
    drawn = [each.meddling for each in webs if each.meddling is not None]
    assert 5 < len(webs) - len(drawn) < 30
    assert {each.holds_requests for each in drawn} == {True, False}
    assert {meddle for each in drawn for meddle, share in each.shares if share} == {*Meddle} - {Meddle.PASSES}
