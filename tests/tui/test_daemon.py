"""The client of the daemon: views made inert, refusals as sentences, a lost daemon found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sfnode.errors import DaemonGone, NodeError
from sfnode.views import StatusView, TransferView
from sync.local_socket import LocalClient, NotRunning
from tests.tui import story
from tests.tui.driving import until
from tests.tui.fake_daemon import served
from tui.answers import Happening
from tui.daemon import Daemon


def client(folder: Path) -> Daemon:
    async def connect() -> LocalClient:
        try:
            return await LocalClient.connect(folder / "daemon.sock")
        except NotRunning as error:
            raise DaemonGone("nobody is there") from error

    return Daemon(connect)


async def _next(events: AsyncIterator[Happening]) -> Happening:
    return await anext(events)


async def test_answers_are_views(tmp_path: Path) -> None:
    async with served(tmp_path):
        daemon = client(tmp_path)
        assert await daemon.status() == story.status()
        assert await daemon.cases() == story.rows()
        assert await daemon.case(story.CHEST) == story.chest()
        assert (await daemon.templates())[0].fields[3].choices == ("f", "m", "o", "u")
        await daemon.close()


async def test_what_comes_in_cannot_steer_the_terminal(tmp_path: Path) -> None:
    async with served(tmp_path) as fake:
        fake.cases[story.CHEST] = story.chest(notes=("en: \x1b]52;c;ZXZpbA==\a",))
        daemon = client(tmp_path)
        assert (await daemon.case(story.CHEST)).notes == ("en: ?]52;c;ZXZpbA==?",)
        await daemon.close()


async def test_a_refusal_is_the_daemons_sentence(tmp_path: Path) -> None:
    async with served(tmp_path):
        daemon = client(tmp_path)
        with pytest.raises(NodeError, match="There is no case 00") as refused:
            await daemon.case("00")
        assert refused.value.code == "not-found"
        await daemon.close()


async def test_a_daemon_that_was_killed_is_found_again_at_the_next_call(tmp_path: Path) -> None:
    daemon = client(tmp_path)
    async with served(tmp_path):
        await daemon.status()
    with pytest.raises(DaemonGone):
        await daemon.status()
    async with served(tmp_path):
        assert (await daemon.status()).site == "MV EXAMPLE"
        await daemon.close()


async def test_events_come_as_views_and_end_with_the_daemon(tmp_path: Path) -> None:
    daemon = client(tmp_path)
    async with served(tmp_path) as fake:
        events = daemon.happenings()
        async with asyncio.TaskGroup() as listening:
            first = listening.create_task(_next(events))
            await until(lambda: fake.is_watched)
            fake.report(replace(story.transfers()[3], done_bytes=12_000))
        fake.publish("from a newer daemon", {"x": 1})
        fake.change(story.rash())
        assert isinstance(first.result(), TransferView)
        assert await anext(events) == story.RASH
        fake.raise_alarm(story.alarm())
        assert await anext(events) == story.alarm()
        assert isinstance(await anext(events), StatusView)
    with pytest.raises(DaemonGone):
        await anext(events)


async def test_a_daemon_of_another_version_is_named_as_such(tmp_path: Path) -> None:
    async with served(tmp_path) as fake:
        fake.answers_instead["status"] = {"site": "MV EXAMPLE"}
        fake.answers_instead["cases"] = [1, 2]
        daemon = client(tmp_path)
        for call in (daemon.status, daemon.cases):
            with pytest.raises(NodeError, match="different versions"):
                await call()
        await daemon.close()
