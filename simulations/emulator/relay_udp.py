"""Carries UDP datagrams through a link's lines in user space, one hub socket per sender at the site."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from .relay_lines import Lines

IP_HEADER_BYTES = 20
UDP_HEADER_BYTES = 8
DATAGRAM_BYTES_MAX = 65_507
SENDERS_MAX = 64
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"""What comes while another process has the core waits here; what does not fit is lost beside the model."""
SO_RCVBUFFORCE = 33
"""Linux: root's sockets may have more than others."""

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sender:
    """One address at the site, the socket that speaks for it to the hub, and who reads the answers."""

    hub: socket.socket
    answers: asyncio.Task[None]


class UdpForward:
    """Listens for the site; the sender that was silent longest makes room for a new one."""

    def __init__(self, lines: Lines, hub_port: int) -> None:
        self._lines = lines
        self._hub = ("127.0.0.1", hub_port)
        self._senders: OrderedDict[Address, Sender] = OrderedDict()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        _widen(self._listener)
        self._listener.setblocking(False)
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        with self._listener:
            async with asyncio.TaskGroup() as group:
                while True:
                    data, address = await loop.sock_recvfrom(self._listener, DATAGRAM_BYTES_MAX)
                    sender = self._sender(address, group)
                    self._lines.up.offer(self._ip_bytes(data), partial(_send, sender.hub, data))

    def cut(self) -> None:
        """Nothing to abort: a datagram has no connection, and the lines drop what is under way."""

    def _sender(self, address: Address, group: asyncio.TaskGroup) -> Sender:
        if address in self._senders:
            self._senders.move_to_end(address)
            return self._senders[address]
        if len(self._senders) >= SENDERS_MAX:
            _, silent = self._senders.popitem(last=False)
            silent.answers.cancel()
        hub = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        _widen(hub)
        hub.setblocking(False)
        hub.connect(self._hub)
        sender = Sender(hub, group.create_task(self._take_answers(hub, address)))
        self._senders[address] = sender
        return sender

    async def _take_answers(self, hub: socket.socket, address: Address) -> None:
        loop = asyncio.get_running_loop()
        with hub:
            while True:
                try:
                    data = await loop.sock_recv(hub, DATAGRAM_BYTES_MAX)
                except ConnectionRefusedError:
                    continue  # The hub was not listening for one datagram; it may be for the next.
                self._lines.down.offer(self._ip_bytes(data), partial(_send_to, self._listener, address, data))

    def _ip_bytes(self, data: bytes) -> int:
        """What the datagram weighs on the link, cut into as many IP fragments as it needs."""
        payload_bytes = UDP_HEADER_BYTES + len(data)
        fragment_bytes = (self._lines.mtu_bytes - IP_HEADER_BYTES) // 8 * 8
        return payload_bytes + IP_HEADER_BYTES * -(-payload_bytes // fragment_bytes)


def _widen(end: socket.socket) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)  # As far as the system lets us.
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)


def _send(target: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # A datagram that finds no room or no socket is lost, as UDP promises.
        target.send(data)


def _send_to(target: socket.socket, address: Address, data: bytes) -> None:
    with suppress(OSError):
        target.sendto(data, address)
