"""The user-space carrier of a link: no root needed, ports of this machine instead of addresses.

Rate, delay, loss and cuts are the profile's; TCP's own behaviour on such a link is only approximated.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from .carriage import Carriage
from .control import (
    CONTROL_READ_BYTES,
    Command,
    LineBuffer,
    Reply,
    Request,
    Start,
    decode_request,
    encode_reply,
)
from .packet_log import PacketLog
from .relay_lines import Lines
from .relay_tcp import TcpForward
from .relay_udp import UdpForward
from .timed_line import TimedLine

FORWARDS_MAX = 64


class Relay:
    """Forwards the ports its owner asks for until the owner closes the control socket."""

    def __init__(self, start: Start, log: PacketLog) -> None:
        self._start = start
        self._log = log
        self._carriage = Carriage[Callable[[], None]](start)
        self._forwards: list[TcpForward | UdpForward] = []

    async def run(self, control: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        control.setblocking(False)
        lines = self._open_lines()
        received = LineBuffer()
        await loop.sock_sendall(control, encode_reply(Reply()))
        async with asyncio.TaskGroup() as group:
            serving: list[asyncio.Task[None]] = []
            while data := await loop.sock_recv(control, CONTROL_READ_BYTES):
                for line in received.receive(data):
                    reply, started = self._answer(decode_request(line), lines)
                    if started is not None:
                        serving.append(group.create_task(started.run()))
                    await loop.sock_sendall(control, encode_reply(reply))
            for task in serving:
                task.cancel()

    def _open_lines(self) -> Lines:
        rtt_s = self._start.profile.rtt_ms / 1000.0
        in_service = asyncio.Event()
        in_service.set()
        return Lines(
            up=TimedLine("up", self._carriage.up, rtt_s=rtt_s, log=self._log),
            down=TimedLine("down", self._carriage.down, rtt_s=rtt_s, log=self._log),
            in_service=in_service,
            mtu_bytes=self._start.profile.mtu_bytes,
        )

    def _answer(self, request: Request, lines: Lines) -> tuple[Reply, TcpForward | UdpForward | None]:
        """The reply, and the forward that the request started."""
        match request.command:
            case Command.FORWARD_TCP | Command.FORWARD_UDP:
                return self._open_forward(request, lines)
            case Command.CUT:
                lines.in_service.clear()
                for forward in self._forwards:
                    forward.cut()
            case Command.RESTORE:
                lines.in_service.set()
            case Command.COUNTERS:
                pass
        return self._carriage.answer(request, lines.up.now_s()), None

    def _open_forward(self, request: Request, lines: Lines) -> tuple[Reply, TcpForward | UdpForward | None]:
        if len(self._forwards) >= FORWARDS_MAX:
            return Reply(problem=f"The relay already forwards {FORWARDS_MAX} ports."), None
        kind = TcpForward if request.command is Command.FORWARD_TCP else UdpForward
        try:
            forward = kind(lines, request.port)
        except OSError as error:
            return Reply(problem=f"The relay cannot open a port: {error.strerror}."), None
        self._forwards.append(forward)
        return Reply(port=forward.port), forward
