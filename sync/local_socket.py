"""Calls and events between one daemon and its clients over a Unix socket.

The file system alone decides who may connect: the socket is its owner's, in a folder that is its owner's.
A client can never hold the daemon up: everything it can make us keep is bounded, and a slow one is let go.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .local_wire import (
    FRAME_BYTES_MAX,
    CallFailed,
    ConnectionLost,
    Fault,
    FrameReader,
    LocalSocketError,
    NotRunning,
    encode,
    short_address,
)

__all__ = [
    "BACKLOG_BYTES_MAX",
    "CALLS_PER_CLIENT_MAX",
    "CLIENTS_MAX",
    "FRAME_BYTES_MAX",
    "CallFailed",
    "ConnectionLost",
    "DescribeFault",
    "Event",
    "Fault",
    "Handler",
    "LocalClient",
    "LocalServer",
    "LocalSocketError",
    "NotRunning",
]

CLIENTS_MAX: Final = 32
"""Terminals, scripts and watchers of one machine; more is a script that forgets to close."""
CALLS_PER_CLIENT_MAX: Final = 16
BACKLOG_BYTES_MAX: Final = 1024 * 1024
"""Events a client may leave unread before it is let go; about 4 000 progress reports."""
DRAIN_TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 5.0
TOPICS_MAX: Final = 16
_REFUSED: Final = 0
"""The call number of an answer to a client rather than to one of its calls."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a subscriber asked to be told of."""

    topic: str
    data: Any


Handler = Callable[[str, Mapping[str, Any]], Awaitable[object]]
"""Carries out one call: method and parameters to result. Cancelled when its client goes away."""
DescribeFault = Callable[[Exception], Fault]
"""What a client is told of an exception that a handler raised; records those that nobody expected."""


class LocalServer:
    """Answers calls and tells events to every client of one socket."""

    def __init__(
        self, path: Path, handle: Handler, describe: DescribeFault, *, clients_max: int = CLIENTS_MAX
    ) -> None:
        self._path = path
        self._handle = handle
        self._describe = describe
        self._clients_max = clients_max
        self._clients: set[_Client] = set()
        self._socket: socket.socket | None = None

    def bind(self) -> None:
        """Listen from now on; clients that connect before `serve` wait. The caller owns the folder: a socket
        left behind by a process that was killed is replaced. Anything else of that name is somebody's:
        `StoreFailed`."""
        # Imported when it is needed: clients, which must start at once, never bind.
        from .stores.errors import StoreFailed

        if self._path.exists() and not self._path.is_socket():
            raise StoreFailed(
                f"{self._path} is no socket, so nobody can be served there. Nothing was changed. Move it "
                "elsewhere, then start again."
            )
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_address(self._path) as address:
            listener.bind(address)
        self._path.chmod(0o600)
        listener.listen(self._clients_max)
        listener.setblocking(False)
        self._socket = listener

    async def serve(self) -> None:
        """Answer clients until cancelled; then let all of them go and remove the socket."""
        if self._socket is None:
            self.bind()
        try:
            async with asyncio.TaskGroup() as clients:
                server = await asyncio.start_unix_server(
                    lambda reader, writer: self._admit(reader, writer, clients), sock=self._socket
                )
                async with server:
                    await server.serve_forever()
        finally:
            self.close()

    def close(self) -> None:
        """Remove the socket; for whoever has bound it and may never come to serve."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)

    def publish(self, topic: str, data: object) -> int:
        """Tell every subscriber of `topic`, and how many those are; never waits. One that does not keep up is
        let go."""
        listening = [client for client in self._clients if topic in client.topics]
        if listening:
            frame = encode({"event": topic, "data": data})
            for client in listening:
                client.tell(frame)
        return len(listening)

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody would hear an event, so that costly views need not be made for nobody."""
        return any(client.topics for client in self._clients)

    def _admit(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clients: asyncio.TaskGroup
    ) -> None:
        if len(self._clients) >= self._clients_max:
            fault = Fault(
                "too-many-clients", f"{self._clients_max} programs are connected already. Close one.", 1
            )
            writer.write(encode(_failure(_REFUSED, fault)))
            writer.close()
            return
        client = _Client(reader, writer)
        self._clients.add(client)
        clients.create_task(self._converse(client))

    async def _converse(self, client: _Client) -> None:
        """One client until it ends, misbehaves or stops reading; its unfinished calls are cancelled then."""
        slots = asyncio.Semaphore(CALLS_PER_CLIENT_MAX)
        try:
            async with asyncio.TaskGroup() as calls:
                while (request := await client.receive()) is not None:
                    await slots.acquire()
                    call = calls.create_task(self._answer(client, request))
                    call.add_done_callback(lambda _: slots.release())
                raise ConnectionLost
        except* (LocalSocketError, OSError, TimeoutError):
            pass
        finally:
            self._clients.discard(client)
            client.drop()

    async def _answer(self, client: _Client, request: _Request) -> None:
        try:
            frame = encode({"id": request.number, "result": await self._result(client, request)})
        except CallFailed as error:
            frame = encode(_failure(request.number, error.fault))
        except Exception as error:  # noqa: BLE001 - `describe` records what nobody expected; the client is told.
            frame = encode(_failure(request.number, self._describe(error)))
        await client.send(frame)

    async def _result(self, client: _Client, request: _Request) -> object:
        if request.method == "subscribe":
            return client.subscribe(request.params)
        return await self._handle(request.method, request.params)


class LocalClient:
    """One connection to a daemon, for calls one after another, or for events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._frames = FrameReader(reader)
        self._writer = writer
        self._number = _REFUSED
        self._turn = asyncio.Lock()

    @classmethod
    async def connect(cls, path: Path) -> LocalClient:
        """Raises `NotRunning` when nobody listens there."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_TIMEOUT_S)
        try:
            with short_address(path) as address:
                connection.connect(address)
        except OSError as error:
            connection.close()
            raise NotRunning(f"Nobody listens on {path}.") from error
        connection.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=connection))

    async def call(self, method: str, params: Mapping[str, object] | None = None) -> Any:
        """The daemon's result. Raises `CallFailed` with its sentence, `ConnectionLost` when it is gone."""
        async with self._turn:
            self._number += 1
            await self._send({"id": self._number, "method": method, "params": dict(params or {})})
            while True:
                message = await self._receive()
                if message.get("id") in (self._number, _REFUSED):
                    return _result(message)

    async def subscribe(self, topics: Collection[str]) -> AsyncIterator[Event]:
        """Events of these topics as they come; the connection serves nothing else from then on."""
        await self.call("subscribe", {"topics": list(topics)})
        async for event in self.events():
            yield event

    async def events(self) -> AsyncIterator[Event]:
        """Events from the answer to the call `subscribe` on: for who must know when it has begun."""
        while True:
            message = await self._receive()
            if "event" in message:
                yield Event(message["event"], message.get("data"))

    async def wait_gone(self) -> None:
        """Returns when the daemon has ended the connection."""
        with suppress(ConnectionLost):
            while await self._frames.next_frame() is not None:
                pass

    async def close(self) -> None:
        """Idempotent."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> LocalClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _send(self, message: dict[str, object]) -> None:
        try:
            self._writer.write(encode(message))
            await self._writer.drain()
        except OSError as error:
            raise ConnectionLost("The daemon is gone.") from error

    async def _receive(self) -> Mapping[str, Any]:
        message = await self._frames.next_frame()
        if message is None:
            raise ConnectionLost("The daemon is gone.")
        return message


@dataclass(frozen=True, slots=True)
class _Request:
    number: int
    method: str
    params: Mapping[str, Any]


class _Client:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._frames = FrameReader(reader)
        self._writer = writer
        self.topics: frozenset[str] = frozenset()

    async def receive(self) -> _Request | None:
        """The next call, None at the end; `ConnectionLost` when it is none."""
        match await self._frames.next_frame():
            case None:
                return None
            case {"id": int(number), "method": str(method), "params": dict(params)}:
                return _Request(number, method, params)
        raise ConnectionLost("A client sent what is not a call.")

    async def send(self, frame: bytes) -> None:
        """Returns when the client reads; `TimeoutError` when it has stopped to."""
        self._writer.write(frame)
        async with asyncio.timeout(DRAIN_TIMEOUT_S):
            await self._writer.drain()

    def tell(self, frame: bytes) -> None:
        if self._writer.transport.get_write_buffer_size() > BACKLOG_BYTES_MAX:
            self.drop()
        else:
            self._writer.write(frame)

    def subscribe(self, params: Mapping[str, Any]) -> list[str]:
        topics = params.get("topics")
        if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics[:TOPICS_MAX]):
            raise CallFailed(Fault("bad-parameters", "subscribe needs a list of topics.", 2))
        self.topics = frozenset(topics[:TOPICS_MAX])
        return sorted(self.topics)

    def drop(self) -> None:
        self._writer.transport.abort()


def _failure(number: int, fault: Fault) -> dict[str, object]:
    return {
        "id": number,
        "error": {"code": fault.code, "message": fault.message, "exit_code": fault.exit_code},
    }


def _result(message: Mapping[str, Any]) -> Any:
    match message:
        case {"error": {"code": str(code), "message": str(sentence), "exit_code": int(exit_code)}}:
            raise CallFailed(Fault(code, sentence, exit_code))
        case {"result": result}:
            return result
    raise ConnectionLost("The daemon sent what is not an answer.")
