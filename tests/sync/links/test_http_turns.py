"""Sessions in turns keep the promises of a stream link, also through what holds bodies back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from sync.links.http import REPLAY_BYTES_MAX, HttpConnection, HttpDialer
from sync.links.http_answers import Refusal
from sync.links.http_listener_turns import TURN_PATH, TurnsConnection, TurnSessions
from sync.links.http_path import HttpPath, HttpWay
from sync.links.http_terms import FINAL, GOES_ON
from sync.ports import LinkError, LinkRefused

from .contract import PATIENCE_S, ConnectionContract, Joined, receive_all, receive_exactly

NAME = "AbCd_-123456"


@dataclass
class Listening:
    """A real server on the loopback that answers turns alone."""

    url: str
    answered: asyncio.Queue[TurnsConnection] = field(default_factory=asyncio.Queue)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: Refusal | None = None
    requests: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    sessions: TurnSessions | None = None

    async def talk(self, connection: TurnsConnection) -> Refusal | None:
        if self.refusal is None:
            self.answered.put_nowait(connection)
            await self.over.wait()
        return self.refusal

    async def wait_requests(self, count: int) -> None:
        while self.requests < count:
            self.asked.clear()
            await self.asked.wait()


@asynccontextmanager
async def listening(*, hold_s: float = 0.2, between_s: float = 0.3) -> AsyncIterator[Listening]:
    hub = Listening("")
    hub.sessions = TurnSessions(hub.talk, hold_s=hold_s, between_s=between_s)

    async def handle(request: web.Request) -> web.StreamResponse:
        hub.requests += 1
        hub.asked.set()
        assert hub.sessions is not None
        return await hub.sessions.answer(request)

    app = web.Application()
    app.router.add_post(TURN_PATH, handle)
    app.cleanup_ctx.append(hub.sessions.running)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        hub.url = f"http://{host}:{port}"
        yield hub
    finally:
        hub.over.set()
        await runner.cleanup()


def in_turns(url: str, rtt_s: float = 0.01) -> HttpDialer:
    return HttpDialer(url, rtt_s=rtt_s, way=HttpWay(HttpPath(in_turns_s=3600.0)))


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[HttpConnection, TurnsConnection]]:
    async with listening() as hub:
        dialer = await in_turns(hub.url).dial()
        try:
            yield dialer, await hub.answered.get()
        finally:
            await dialer.close()


class TestTurns(ConnectionContract):
    def joined(self) -> Joined:
        return joined()


async def test_both_ends_say_that_they_take_turns() -> None:
    async with asyncio.timeout(PATIENCE_S), joined() as pair:
        await pair[0].send(b"x")
        await receive_exactly(pair[1], 1)
        for end in pair:
            assert end.properties.full_duplex is False
            assert end.described()[0].startswith("http: in turns")


async def test_a_listener_that_finishes_first_still_hears_the_rest() -> None:
    async with asyncio.timeout(PATIENCE_S), joined() as (dialer, listener):
        await listener.send(b"all I have")
        await listener.finish()
        assert await receive_all(dialer) == b"all I have"
        await dialer.send(b"second")
        await dialer.finish()
        assert await receive_all(listener) == b"second"


async def test_news_reaches_a_hub_that_holds_its_answer_at_once() -> None:
    """The patience of this test is far below the time for which the answer is held."""
    async with asyncio.timeout(5.0), listening(hold_s=60.0) as hub:
        dialer = await in_turns(hub.url).dial()
        listener = await hub.answered.get()
        await dialer.send(b"first")
        await receive_exactly(listener, 5)
        for urgent in (b"second", b"third!"):
            await dialer.send(urgent)
            assert await receive_exactly(listener, 6) == urgent
        await listener.send(b"answer")
        assert await receive_exactly(dialer, 6) == b"answer"
        await dialer.close()


async def test_an_idle_session_asks_seldom() -> None:
    async with asyncio.timeout(PATIENCE_S), listening(hold_s=0.4) as hub:
        dialer = await in_turns(hub.url).dial()
        listener = await hub.answered.get()
        await listener.send(b"x")
        await receive_exactly(dialer, 1)
        before, began_at = hub.requests, asyncio.get_running_loop().time()
        await hub.wait_requests(before + 3)
        # Three requests more mean that two were held to their end.
        assert asyncio.get_running_loop().time() - began_at >= 2 * 0.4
        await dialer.close()


async def test_what_was_sent_before_closing_still_arrives() -> None:
    async with asyncio.timeout(PATIENCE_S), joined() as (dialer, listener):
        await dialer.send(b"goodbye")
        await dialer.finish()
        await dialer.close()
        assert await receive_all(listener) == b"goodbye"


async def test_a_caller_that_stays_away_is_given_up() -> None:
    async with asyncio.timeout(PATIENCE_S), listening(between_s=0.05) as hub:
        dialer = await in_turns(hub.url).dial()
        listener = await hub.answered.get()
        await dialer.close()
        with pytest.raises(LinkError, match=r"come back|broke"):
            await receive_all(listener)
        with pytest.raises(LinkError):
            await listener.send(b"x")


async def test_a_refusal_is_shown_in_the_listeners_words() -> None:
    async with asyncio.timeout(PATIENCE_S), listening() as hub:
        hub.refusal = Refusal(403, "This hub does not know you.")
        dialer = await in_turns(hub.url).dial()
        with pytest.raises(LinkRefused, match="does not know you"):
            await dialer.receive()
        with pytest.raises(LinkError):
            await dialer.send(b"x")
        await dialer.close()
        assert hub.sessions is not None
        assert len(hub.sessions) == 0


async def post(hub: Listening, turn: int, body: bytes) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{hub.url}/sync/{NAME}/{turn}", data=body) as response,
    ):
        return response.status, await response.read()


async def test_a_turn_that_comes_twice_or_too_early_is_refused() -> None:
    async with asyncio.timeout(PATIENCE_S), listening(hold_s=0.01) as hub:
        assert (await post(hub, 2, GOES_ON))[0] == 410
        assert await post(hub, 1, b"a" + GOES_ON) == (200, GOES_ON)
        assert (await post(hub, 1, b"a" + GOES_ON))[0] == 409
        assert (await post(hub, 4, GOES_ON))[0] == 409
        assert await post(hub, 2, b"b" + FINAL) == (200, GOES_ON)
        assert await receive_all(await hub.answered.get()) == b"ab"


async def test_a_turn_that_overtook_the_one_before_it_waits_for_it() -> None:
    """Each of the two has a connection of its own, so the network may turn them round."""
    async with asyncio.timeout(PATIENCE_S), listening(hold_s=0.01, between_s=PATIENCE_S) as hub:
        assert await post(hub, 1, b"a" + GOES_ON) == (200, GOES_ON)
        async with asyncio.TaskGroup() as group:
            ahead = group.create_task(post(hub, 3, b"c" + FINAL))
            await hub.wait_requests(2)
            assert (await post(hub, 3, b"c" + FINAL))[0] == 409
            assert await post(hub, 2, b"b" + GOES_ON) == (200, GOES_ON)
        assert ahead.result() == (200, GOES_ON)
        assert (await post(hub, 3, b"c" + FINAL))[0] == 409
        assert await receive_all(await hub.answered.get()) == b"abc"


async def test_a_turn_waits_only_so_long_for_one_that_never_comes() -> None:
    async with asyncio.timeout(PATIENCE_S), listening(hold_s=0.01, between_s=0.05) as hub:
        assert await post(hub, 1, b"a" + GOES_ON) == (200, GOES_ON)
        assert (await post(hub, 3, GOES_ON))[0] == 410
        listener = await hub.answered.get()
        with pytest.raises(LinkError):
            await receive_all(listener)


@pytest.mark.parametrize("body", [b"", b"no mark"])
async def test_a_body_that_was_cut_short_ends_the_session(body: bytes) -> None:
    async with asyncio.timeout(PATIENCE_S), listening() as hub:
        assert (await post(hub, 1, body))[0] == 410
        listener = await hub.answered.get()
        with pytest.raises(LinkError, match="cut short"):
            await receive_all(listener)


async def test_an_answer_that_was_cut_short_is_noticed() -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=b"half")

    async with asyncio.timeout(PATIENCE_S), served(handle) as url:
        dialer = await in_turns(url).dial()
        assert await receive_exactly(dialer, 3) == b"hal"
        with pytest.raises(LinkError, match="cut its answer short"):
            await dialer.receive()
        await dialer.close()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handle: Handler, path: str = TURN_PATH, turns: Handler | None = None) -> AsyncIterator[str]:
    """A real server on the loopback; yields its address."""
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post(path, handle)
    if turns is not None:
        app.router.add_post(TURN_PATH, turns)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


# Falling back.


@asynccontextmanager
async def holding_back(url: str, *, body_bytes_max: int = 1 << 20) -> AsyncIterator[str]:
    """A proxy in front of a hub that passes a request on only when its body is whole, and not too large."""
    client = aiohttp.ClientSession()

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > body_bytes_max:
            return web.Response(status=413, text="<h1>413</h1>", content_type="text/html")
        async with client.post(url + request.path, data=body) as response:
            return web.Response(
                status=response.status, body=await response.read(), content_type=response.content_type
            )

    async with client, served(handle, "/{any:.*}") as address:
        yield address


async def test_a_request_that_is_held_back_goes_on_in_turns_with_every_byte_once() -> None:
    async with asyncio.timeout(PATIENCE_S), listening() as hub, holding_back(hub.url) as url:
        way = HttpWay()
        dialer = await HttpDialer(url, rtt_s=0.01, way=way, answer_s=0.05).dial()
        assert dialer.properties.full_duplex
        await dialer.send(b"first ")
        await dialer.send(b"flight ")
        listener = await hub.answered.get()
        assert await receive_exactly(listener, 13) == b"first flight "
        await dialer.send(b"and more")
        assert await receive_exactly(listener, 8) == b"and more"
        await listener.send(b"answer")
        assert await receive_exactly(dialer, 6) == b"answer"
        assert not dialer.properties.full_duplex
        assert way.is_in_turns(asyncio.get_running_loop().time())
        await dialer.close()

        again = await HttpDialer(url, rtt_s=0.01, way=way, answer_s=60.0).dial()
        await again.send(b"at once")
        assert await receive_exactly(await hub.answered.get(), 7) == b"at once"
        await again.close()


async def test_what_was_finished_before_falling_back_is_finished_after_it() -> None:
    async with asyncio.timeout(PATIENCE_S), listening() as hub:
        answered = asyncio.Event()

        async def handle(request: web.Request) -> web.StreamResponse:
            await answered.wait()  # The whole request is here, and is never passed on.
            return web.Response(status=504)

        assert hub.sessions is not None
        async with served(handle, "/sync", turns=hub.sessions.answer) as url:
            dialer = await HttpDialer(url, rtt_s=0.01, answer_s=0.05).dial()
            await dialer.send(b"all")
            await dialer.finish()
            assert await receive_all(await hub.answered.get()) == b"all"
            await dialer.close()
            answered.set()


async def test_more_than_is_kept_cannot_fall_back_but_the_next_contact_does() -> None:
    async with asyncio.timeout(PATIENCE_S), listening() as hub, holding_back(hub.url) as url:
        way = HttpWay()
        dialer = await HttpDialer(url, rtt_s=0.01, way=way, answer_s=0.2).dial()
        await dialer.send(bytes(REPLAY_BYTES_MAX + 1))
        with pytest.raises(LinkError, match="next contact goes in turns"):
            await dialer.receive()
        assert way.is_in_turns(asyncio.get_running_loop().time())
        await dialer.close()


async def say(dialer: HttpConnection, said: bytes) -> None:
    """And hear the other end."""
    await dialer.send(said)
    await dialer.receive()


async def test_behind_something_that_takes_little_at_once_each_session_sends_less_until_it_passes() -> None:
    said = bytes(range(250)) * 20
    async with (
        asyncio.timeout(PATIENCE_S),
        listening() as hub,
        holding_back(hub.url, body_bytes_max=600) as url,
    ):
        way = HttpWay(HttpPath(in_turns_s=3600.0))
        for _ in range(4):
            dialer = await HttpDialer(url, rtt_s=0.01, way=way).dial()
            with pytest.raises(LinkRefused, match="answered 413"):
                await say(dialer, said)
            await dialer.close()
            if way.body_bytes_max(asyncio.get_running_loop().time()) <= 600:
                break
        dialer = await HttpDialer(url, rtt_s=0.01, way=way).dial()
        await dialer.send(said)
        assert await receive_exactly(await hub.answered.get(), len(said)) == said
        await dialer.close()


async def test_turns_are_remembered_where_a_hub_refuses_the_first() -> None:
    """As behind a proxy that holds answers, where the hub still talks with somebody who has gone."""
    async with asyncio.timeout(PATIENCE_S), listening() as hub, holding_back(hub.url) as url:
        hub.refusal = Refusal(410, "The hub no longer knows this session.")
        way = HttpWay()
        dialer = await HttpDialer(url, rtt_s=0.01, way=way, answer_s=0.05).dial()
        await dialer.send(b"first flight")
        with pytest.raises(LinkRefused, match="no longer knows"):
            await dialer.receive()
        assert way.is_in_turns(asyncio.get_running_loop().time())
        await dialer.close()


async def test_a_login_page_is_no_turn_however_its_status() -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(text="<html>pay</html>", content_type="text/html")

    async with asyncio.timeout(PATIENCE_S), served(handle) as url:
        way = HttpWay(HttpPath(in_turns_s=3600.0))
        dialer = await HttpDialer(url, rtt_s=0.01, way=way).dial()
        with pytest.raises(LinkRefused, match="no answer of a hub"):
            await dialer.receive()
        await dialer.close()


async def test_a_hub_that_is_only_slow_is_not_mistaken_once_it_has_begun_to_answer() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await request.content.readany()
        await asyncio.sleep(0.3)
        await response.write(b"slow")
        await response.write_eof()
        return response

    async with asyncio.timeout(PATIENCE_S), served(handle, "/sync") as url:
        dialer = await HttpDialer(url, rtt_s=0.01, answer_s=0.1).dial()
        await dialer.send(b"x")
        assert await receive_exactly(dialer, 4) == b"slow"
        assert dialer.properties.full_duplex
        await dialer.close()
