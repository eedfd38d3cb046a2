"""Both ends of two flows that share a link, each as a program: bulk of ours in datagrams, and a kernel's TCP.

`tcp-hub HOST PORT` answers each line of its input with the bytes that came so far; the others run until they
are ended.
"""

from __future__ import annotations

import asyncio
import random
import socket
import sys

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation, Pseudonym
from sfhub.clock import SystemClock
from sync.core import SessionTerms
from sync.driver import Setting, dial_session
from sync.links.callee import Callee
from sync.links.udp import UdpDialer
from sync.links.udp_listener import UdpListener
from sync.ports import Rank
from sync.registry import SessionRegistry
from sync.stores import MemoryStore

SECRET = bytes(range(32))
PAIR = Pseudonym(b"pair")
BUNDLES, BUNDLE_BYTES = 24, 4_000_000
PIECE_BYTES = 64 * 1024


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def new_store() -> MemoryStore:
    return MemoryStore(lambda: Incarnation(random.randbytes(4)), received_bytes_max=1 << 30)


def over(store: MemoryStore) -> Setting:
    return Setting(store=store, clock=SystemClock(), terms=SessionTerms(stays_open=True))


async def udp_hub(host: str, port: int) -> None:
    setting = over(new_store())

    async def lookup(_: Pseudonym) -> Callee:
        return Callee(link_secret=SECRET, setting=setting)

    listener = UdpListener(lookup, SessionRegistry())
    await listener.bind(host, port)
    async with listener.answering():
        say("ready")
        await asyncio.Event().wait()


async def udp_site(host: str, port: int, rate_bit_s: int, rtt_s: float) -> None:
    store = new_store()
    for number in range(BUNDLES):
        await store.add(
            bundle_id=BundleId(number.to_bytes(12, "big")),
            priority=Priority.BULK,
            rank=Rank.FULL,
            recipient_key=b"ke",
            dwell_code=3,
            sealed=random.Random(number).randbytes(BUNDLE_BYTES),
        )
    dialer = UdpDialer(host, port, pseudonym=PAIR, link_secret=SECRET, rate_bit_s=rate_bit_s, rtt_s=rtt_s)
    say("ready")
    await dial_session(await dialer.dial(), link_secret=SECRET, pseudonym=PAIR, setting=over(store))


class Counted(asyncio.Protocol):
    """Takes everything."""

    came_bytes = 0

    def data_received(self, data: bytes) -> None:
        Counted.came_bytes += len(data)


async def tcp_hub(host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(Counted, host, port)
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    say("ready")
    while await asked.readline():
        say(str(Counted.came_bytes))


def tcp_site(host: str, port: int) -> None:
    with socket.socket() as flow:
        flow.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        flow.connect((host, port))
        say("ready")
        while True:
            flow.sendall(bytes(PIECE_BYTES))


def main(role: str, host: str, port: str, *figures: str) -> None:
    match role:
        case "udp-hub":
            asyncio.run(udp_hub(host, int(port)))
        case "udp-site":
            rate_bit_s, rtt_s = figures
            asyncio.run(udp_site(host, int(port), int(rate_bit_s), float(rtt_s)))
        case "tcp-hub":
            asyncio.run(tcp_hub(host, int(port)))
        case "tcp-site":
            tcp_site(host, int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
