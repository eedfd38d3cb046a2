"""The process that carries one emulated link, apart from its owner so that neither disturbs the other.

It lives exactly as long as the owner holds the control socket, and takes its namespaces with it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

from .carriage import Carriage
from .control import (
    CONTROL_READ_BYTES,
    LineBuffer,
    Mode,
    Reply,
    Start,
    decode_request,
    decode_start,
    encode_reply,
)
from .errors import EmulatorError
from .mover import PacketMover, Way
from .namespaces import namespace_pair
from .packet_log import PacketLog
from .relay import Relay

# Above ordinary work, below the kernel's own: timing must hold while others keep every core busy.
_NICENESS = -10


def main() -> None:
    """Entry point: `python -m simulations.emulator.carrier DESCRIPTOR`."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's; we see its socket close.
    signal.signal(signal.SIGTERM, _leave)
    try:
        start = _read_start(control)
        if start is not None:
            _carry(start, control)
    except (EmulatorError, OSError) as error:
        with suppress(OSError):  # The owner may be what went away.
            control.sendall(encode_reply(Reply(problem=str(error))))


def _leave(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Once is enough; the clean-up must finish.
    raise SystemExit


def _read_start(control: socket.socket) -> Start | None:
    """The owner's first line; None if it died before it wrote one."""
    lines = LineBuffer()
    while data := control.recv(CONTROL_READ_BYTES):
        for line in lines.receive(data):
            return decode_start(line)
    return None


def _carry(start: Start, control: socket.socket) -> None:
    with PacketLog(Path(start.packet_log) if start.packet_log else None) as log:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
        if start.mode is Mode.RELAY:
            asyncio.run(Relay(start, log).run(control))
        else:
            _carry_between_namespaces(start, control, log)


def _carry_between_namespaces(start: Start, control: socket.socket, log: PacketLog) -> None:
    carriage = Carriage[bytes](start)
    with namespace_pair(start.profile.mtu_bytes) as (site, hub):
        ways = (
            Way("up", site.descriptor, hub.descriptor, carriage.up),
            Way("down", hub.descriptor, site.descriptor, carriage.down),
        )

        def answer(line: bytes, now_s: float) -> bytes:
            return encode_reply(carriage.answer(decode_request(line), now_s))

        control.sendall(encode_reply(Reply(site_namespace=site.namespace, hub_namespace=hub.namespace)))
        PacketMover(ways, control, answer, log).run()


if __name__ == "__main__":
    main()
