"""Calls, events and misbehaving clients over real Unix sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest

from sync.local_socket import (
    BACKLOG_BYTES_MAX,
    CALLS_PER_CLIENT_MAX,
    FRAME_BYTES_MAX,
    CallFailed,
    ConnectionLost,
    Event,
    Fault,
    LocalClient,
    LocalServer,
    LocalSocketError,
    NotRunning,
)
from sync.local_wire import encode
from sync.stores.errors import StoreFailed


class NoSuchCase(Exception):
    """What a daemon's own error looks like."""


class Desk:
    """The calls of a small daemon; `released` lets the slow one go on."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.waiting = 0
        self.cancelled = asyncio.Event()

    async def handle(self, method: str, params: Mapping[str, Any]) -> object:
        match method:
            case "echo":
                return dict(params)
            case "wait":
                return await self._wait()
            case "flood":
                return b"x" * FRAME_BYTES_MAX
            case "lost":
                raise NoSuchCase("No case C-7K2M here. Nothing was changed.")
        raise CallFailed(Fault("no-such-method", f"There is no {method}.", 2))

    async def _wait(self) -> int:
        self.waiting += 1
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return self.waiting


def describe(error: Exception) -> Fault:
    return Fault("no-such-case", str(error), 3)


@asynccontextmanager
async def serving(path: Path, desk: Desk, clients_max: int = 32) -> AsyncIterator[LocalServer]:
    server = LocalServer(path, desk.handle, describe, clients_max=clients_max)
    server.bind()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.serve())
        try:
            yield server
        finally:
            task.cancel()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "daemon.sock"


async def test_a_call_is_answered_with_its_values_unchanged(path: Path) -> None:
    params = {"text": "한글 ñ", "bytes": b"\x00\xff", "list": [1, -2, 3.5, None, True], "map": {"a": {}}}
    async with serving(path, Desk()), await LocalClient.connect(path) as client:
        assert await client.call("echo", params) == params
        assert await client.call("echo") == {}


async def test_a_daemons_error_reaches_the_client_as_sentence_code_and_exit_status(path: Path) -> None:
    async with serving(path, Desk()), await LocalClient.connect(path) as client:
        with pytest.raises(CallFailed, match="No case C-7K2M here") as caught:
            await client.call("lost")
        assert caught.value.fault == Fault("no-such-case", "No case C-7K2M here. Nothing was changed.", 3)
        assert await client.call("echo", {"still": "here"}) == {"still": "here"}


async def test_nobody_listening_is_told_apart_from_a_refusal(path: Path) -> None:
    with pytest.raises(NotRunning):
        await LocalClient.connect(path)


async def test_a_socket_left_by_a_killed_daemon_is_replaced_and_ours_is_removed(path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with serving(path, Desk()), await LocalClient.connect(path) as client:
        assert permissions(path) == 0o600
        assert await client.call("echo", {"a": 1}) == {"a": 1}
    assert permissions(path) is None


def test_a_file_that_is_no_socket_is_not_replaced(path: Path) -> None:
    path.write_text("somebody's notes")
    with pytest.raises(StoreFailed, match="Move it elsewhere"):
        LocalServer(path, Desk().handle, describe).bind()
    assert path.read_text() == "somebody's notes"


async def test_a_folder_too_deep_for_a_socket_address_still_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    async with (
        serving(deep / "daemon.sock", Desk()),
        await LocalClient.connect(deep / "daemon.sock") as client,
    ):
        assert await client.call("echo", {"a": 1}) == {"a": 1}


async def test_a_slow_call_of_one_client_holds_nobody_up(path: Path) -> None:
    desk = Desk()
    async with (
        serving(path, desk),
        await LocalClient.connect(path) as slow,
        await LocalClient.connect(path) as quick,
        asyncio.TaskGroup() as group,
    ):
        waiting = group.create_task(slow.call("wait"))
        await until(lambda: desk.waiting == 1)
        assert await quick.call("echo", {"a": 1}) == {"a": 1}
        assert not waiting.done()
        desk.released.set()
        assert await waiting == 1


async def test_a_client_that_goes_away_takes_its_unfinished_call_with_it(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk):
        async with asyncio.TaskGroup() as group:
            client = await LocalClient.connect(path)
            call = group.create_task(client.call("wait"))
            await until(lambda: desk.waiting == 1)
            call.cancel()
        await client.close()
        await desk.cancelled.wait()


async def test_a_call_given_up_does_not_confuse_the_next(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk), await LocalClient.connect(path) as client:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(client.call("wait"))
            await until(lambda: desk.waiting == 1)
            call.cancel()
        desk.released.set()
        assert await client.call("echo", {"mine": 1}) == {"mine": 1}


async def test_only_the_topics_asked_for_are_told(path: Path) -> None:
    async with serving(path, Desk()) as server, await LocalClient.connect(path) as client:
        events = client.subscribe(["progress"])
        async with asyncio.TaskGroup() as group:
            first = group.create_task(next_of(events))
            await until(lambda: server.has_subscribers)
            server.publish("status", {"link": "down"})
            server.publish("progress", {"done_bytes": 512})
            event = await first
        assert (event.topic, event.data) == ("progress", {"done_bytes": 512})


async def test_a_subscriber_that_does_not_read_is_let_go_and_the_others_are_not(path: Path) -> None:
    async with serving(path, Desk()) as server, await LocalClient.connect(path) as client:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(framed({"id": 1, "method": "subscribe", "params": {"topics": ["progress"]}}))
        await until(lambda: server.has_subscribers)
        block = b"x" * 60_000
        for _ in range(2 * BACKLOG_BYTES_MAX // len(block) + 40):
            server.publish("progress", block)
        assert not server.has_subscribers or await until(lambda: not server.has_subscribers)
        assert await client.call("echo", {"a": 1}) == {"a": 1}
        writer.close()
        reader.feed_eof()


async def test_one_client_too_many_reads_why(path: Path) -> None:
    async with serving(path, Desk(), clients_max=1), await LocalClient.connect(path) as first:
        assert await first.call("echo", {}) == {}
        async with await LocalClient.connect(path) as second:
            with pytest.raises(CallFailed, match="1 programs are connected already"):
                await second.call("echo", {})


async def test_a_client_has_a_bounded_number_of_calls_under_way(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk), await LocalClient.connect(path) as other:
        _, writer = await asyncio.open_unix_connection(str(path))
        for number in range(1, CALLS_PER_CLIENT_MAX + 6):
            writer.write(framed({"id": number, "method": "wait", "params": {}}))
        await until(lambda: desk.waiting == CALLS_PER_CLIENT_MAX)
        for _ in range(20):
            await other.call("echo", {})
        assert desk.waiting == CALLS_PER_CLIENT_MAX
        writer.close()


@pytest.mark.parametrize(
    ("value", "sentence"), [(1 << 70, "A number here is larger"), ("caf\udce9", "A text here is not UTF-8")]
)
def test_what_no_message_can_hold_is_refused_in_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(CallFailed, match=sentence) as refused:
        encode({"value": [value]})
    assert (refused.value.fault.code, refused.value.fault.exit_code) == ("bad-parameters", 2)


async def test_an_answer_too_large_says_so(path: Path) -> None:
    async with serving(path, Desk()), await LocalClient.connect(path) as client:
        with pytest.raises(CallFailed, match="Ask for less"):
            await client.call("flood")


@pytest.mark.parametrize(
    "poison",
    [
        (FRAME_BYTES_MAX + 1).to_bytes(4, "big"),
        (4).to_bytes(4, "big") + b"\xc1\xc1\xc1\xc1",
        (1).to_bytes(4, "big") + b"\x01",
        (20_000).to_bytes(4, "big") + b"\x91" * 20_000,
        (20_008).to_bytes(4, "big") + b"\x81\xa2id\xdc\x4e\x21" + b"\x90" * 20_001,
        (2).to_bytes(4, "big") + b"\x81\xc0",
        (6).to_bytes(4, "big") + msgpack.packb({"id": 1}) + b"\x01",
        (9).to_bytes(4, "big") + b"cut",
    ],
)
async def test_what_is_no_call_ends_that_client_only(path: Path, poison: bytes) -> None:
    async with serving(path, Desk()), await LocalClient.connect(path) as client:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(poison)
        writer.write_eof()
        assert await reader_end(reader) == b""
        writer.close()
        assert await client.call("echo", {"a": 1}) == {"a": 1}


async def test_a_daemon_that_ends_is_told_apart_from_an_answer(path: Path) -> None:
    desk = Desk()
    async with serving(path, desk):
        client = await LocalClient.connect(path)
        assert await client.call("echo") == {}
    with pytest.raises(ConnectionLost):
        await client.call("echo")
    with pytest.raises(LocalSocketError):
        await client.call("echo")
    await client.close()


def permissions(path: Path) -> int | None:
    return path.stat().st_mode & 0o777 if path.exists() else None


async def until(condition: Any) -> bool:
    while not condition():  # noqa: ASYNC110 - what it waits for is in the other end of a socket.
        await asyncio.sleep(0)
    return True


async def next_of(events: AsyncIterator[Event]) -> Event:
    return await anext(events)


async def reader_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


def framed(message: dict[str, object]) -> bytes:
    data: bytes = msgpack.packb(message)
    return len(data).to_bytes(4, "big") + data
