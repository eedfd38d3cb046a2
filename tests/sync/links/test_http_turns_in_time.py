"""Sessions in turns over links that lose and turn round, in virtual time: every byte once, both ways."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from simulations.links import DirectionProfile, LinkProfile
from simulations.virtual.entropy import seeded_entropy
from simulations.virtual.loop import run_virtual, virtual_loop
from simulations.virtual.network import HOST, Network
from simulations.virtual.web_server import answering
from simulations.virtual.wire import Mischief, Wire
from sync.links.http import HttpDialer
from sync.links.http_listener_turns import TURN_PATH, TurnsConnection, TurnSessions
from sync.links.http_path import HttpPath, HttpWay
from sync.ports import Connection

SEEDS = range(60)
PER_TEST = 15
PATIENCE_S = 20_000.0
SIZES = (0, 10, 5_000, 60_000)


@dataclass
class Talk:
    """What each end has to say, and has heard."""

    draw: random.Random
    heard_at_hub: bytes = b""
    heard_at_site: bytes = b""
    told: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.up, self.down = (self.draw.randbytes(self.draw.choice(SIZES)) for _ in range(2))

    async def both_ways(self, connection: Connection, data: bytes) -> bytes:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._say(connection, data))
            hearing = group.create_task(self._hear(connection))
        return hearing.result()

    async def _say(self, connection: Connection, data: bytes) -> None:
        draw, said = self.draw, 0
        while said < len(data):
            size = draw.choice((1, 100, 1_400, 5_000, 30_000))
            await connection.send(data[said : said + size])
            said += size
            if draw.random() < 0.3:
                await asyncio.sleep(draw.choice((0.0, 0.01, 0.1, 0.5, 1.0, 3.0)))
        await connection.finish()

    async def _hear(self, connection: Connection) -> bytes:
        heard = b""
        while data := await connection.receive():
            heard += data
        return heard

    async def answer(self, connection: TurnsConnection) -> None:
        self.heard_at_hub = await self.both_ways(connection, self.down)
        self.told.set()
        await self.over.wait()


def drawn_profile(draw: random.Random) -> LinkProfile:
    def direction() -> DirectionProfile:
        rate_bit_s, delay_ms = draw.choice((9_600.0, 64e3, 1e6, 1e8)), draw.choice((0.0, 1.0, 40.0, 400.0))
        return DirectionProfile(
            rate_bit_s=rate_bit_s,
            delay_ms=delay_ms,
            jitter_ms=delay_ms / 4,
            queue_bytes=int(max(3_000, rate_bit_s / 8)),
            loss=draw.choice((0.0, 0.0, 0.02, 0.1)),
        )

    return LinkProfile(
        name="drawn", title="drawn", source="drawn", up=direction(), down=direction(), mtu_bytes=1_500
    )


async def be_hub(talk: Talk) -> None:
    HOST.set("hub")
    sessions = TurnSessions(talk.answer)
    app = web.Application()
    app.router.add_post(TURN_PATH, sessions.answer)
    app.cleanup_ctx.append(sessions.running)
    async with answering(app, "hub"):
        await talk.over.wait()


async def be_site(talk: Talk, profile: LinkProfile) -> None:
    HOST.set("site")
    await asyncio.sleep(1.0)
    connection = await HttpDialer(
        "http://hub",
        rate_bit_s=talk.draw.choice((2_400, 22_000, int(profile.up.rate_bit_s))),
        rtt_s=max(profile.rtt_ms / 1_000, 0.01),
        way=HttpWay(HttpPath(in_turns_s=PATIENCE_S)),
    ).dial()
    talk.heard_at_site = await talk.both_ways(connection, talk.up)
    await talk.told.wait()
    await connection.close()
    talk.over.set()


async def converse(seed: int) -> None:
    draw = random.Random(f"both ways/{seed}")
    profile, talk = drawn_profile(draw), Talk(draw)
    mischief = Mischief(duplicates=draw.choice((0.0, 0.05)), overtakes=draw.choice((0.0, 0.05)))
    virtual_loop().network.join("site", "hub", Wire(profile, seed=seed, mischief=mischief))
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        group.create_task(be_hub(talk))
        group.create_task(be_site(talk, profile))
    assert (talk.heard_at_hub, talk.heard_at_site) == (talk.up, talk.down)


@pytest.mark.parametrize("first", SEEDS[::PER_TEST])
def test_bulk_flows_both_ways_whatever_the_links_do(first: int) -> None:
    """The second request of a pair must not overtake the first one for good: each has its own connection."""
    for seed in range(first, first + PER_TEST):
        with seeded_entropy(seed):
            run_virtual(converse(seed), network=Network())
