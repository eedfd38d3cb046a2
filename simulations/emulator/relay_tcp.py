"""Carries TCP connections through a link's lines in user space, as virtual packets.

The bytes counted are an estimate: one header per segment read, an acknowledgement for every second
segment, SYN and FIN; no congestion control is modelled, and losses cost time and bytes as repeats.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass

from .relay_lines import Lines
from .timed_line import TimedLine

# IPv4 20 + TCP 20 + timestamps 12: what Linux sends by default.
HEADER_BYTES = 52
SYN_BYTES = 60  # With MSS, window scale and SACK-permitted options.
CONNECTIONS_MAX = 256
SEGMENTS_UNDER_WAY_MAX = 256
# Small, so that a sender feels the line's rate instead of filling our memory.
SOCKET_BUFFER_BYTES = 16_384
_LINGER_NOTHING = struct.pack("ii", 1, 0)  # struct linger: on, for 0 s.


class TcpForward:
    """Listens for the site and connects each accepted connection to one port of the hub."""

    def __init__(self, lines: Lines, hub_port: int) -> None:
        self._lines = lines
        self._hub = ("127.0.0.1", hub_port)
        self._connections: set[asyncio.Task[None]] = set()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]

    async def run(self) -> None:
        """Serve until cancelled; every connection ends with us."""
        loop = asyncio.get_running_loop()
        with self._listener:
            async with asyncio.TaskGroup() as group:
                while True:
                    site, _ = await loop.sock_accept(self._listener)
                    if len(self._connections) >= CONNECTIONS_MAX:
                        _send_reset_on_close(site)
                        site.close()
                        continue
                    task = group.create_task(self._serve(site))
                    self._connections.add(task)
                    task.add_done_callback(self._connections.discard)

    def cut(self) -> None:
        """Abort every connection; one opened from now on hangs until service returns."""
        for task in self._connections:
            task.cancel()

    async def _serve(self, site: socket.socket) -> None:
        site.setblocking(False)
        hub = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        hub.setblocking(False)
        hub.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
        ended_cleanly = False
        try:
            await self._connect(hub)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._flow(site, hub, self._lines.up, self._lines.down))
                group.create_task(self._flow(hub, site, self._lines.down, self._lines.up))
            ended_cleanly = True
        except* OSError:
            pass  # One end broke, or the hub does not listen; the abort below tells the other.
        finally:
            for end in (site, hub):
                if not ended_cleanly:
                    _send_reset_on_close(end)
                end.close()

    async def _connect(self, hub: socket.socket) -> None:
        await self._lines.in_service.wait()
        await self._lines.up.carry(SYN_BYTES)
        await asyncio.get_running_loop().sock_connect(hub, self._hub)
        await self._lines.down.carry(SYN_BYTES)
        self._lines.up.offer(HEADER_BYTES, _ignore)

    async def _flow(
        self, source: socket.socket, target: socket.socket, line: TimedLine, reverse: TimedLine
    ) -> None:
        loop = asyncio.get_running_loop()
        mtu_bytes = self._lines.mtu_bytes
        segment_bytes_max = max(1, mtu_bytes - HEADER_BYTES)
        under_way: asyncio.Queue[Segment] = asyncio.Queue(SEGMENTS_UNDER_WAY_MAX)
        async with asyncio.TaskGroup() as group:
            group.create_task(_deliver(under_way, target, reverse))
            while True:
                await line.wait_room(mtu_bytes)
                data = await loop.sock_recv(source, segment_bytes_max)
                carried = group.create_task(line.carry(HEADER_BYTES + len(data)))
                await under_way.put(Segment(data, carried))
                if not data:
                    return


@dataclass(frozen=True, slots=True)
class Segment:
    """What was read at once, and the task that ends when it has crossed; no data is the FIN."""

    data: bytes
    carried: asyncio.Task[None]


async def _deliver(under_way: asyncio.Queue[Segment], target: socket.socket, reverse: TimedLine) -> None:
    loop = asyncio.get_running_loop()
    unacknowledged = 0
    while True:
        segment = await under_way.get()
        await segment.carried
        unacknowledged += 1
        # Every second segment, or when the delayed-acknowledgement timer would have run out.
        if unacknowledged == 2 or under_way.empty():
            reverse.offer(HEADER_BYTES, _ignore)
            unacknowledged = 0
        if not segment.data:
            target.shutdown(socket.SHUT_WR)
            return
        await loop.sock_sendall(target, segment.data)


def _send_reset_on_close(end: socket.socket) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOTHING)


def _ignore() -> None:
    """An acknowledgement has arrived: nothing waits for it."""
