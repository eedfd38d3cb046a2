"""Small programs that run at either end of a link as processes of their own, and print what they saw."""

from __future__ import annotations

import select
import socket
import statistics
import struct
import sys
import time
from collections.abc import Callable

STAMP = struct.Struct("!d")
END = b"end"
SILENCE_S = 3.0
ETH_P_ALL = 0x0003
SO_RCVBUFFORCE = 33
"""Linux: sockets of root may have a longer queue than others, so that no packet passes unseen."""


def echo(host: str, port: str) -> None:
    """Send each datagram back, until one says end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hub:
        hub.bind((host, int(port)))
        _say("ready")
        while True:
            data, sender = hub.recvfrom(65_535)
            if data == END:
                return
            hub.sendto(data, sender)


def ping(host: str, port: str, count: str, gap_s: str) -> None:
    """Print the median round trip, in seconds, of `count` datagrams sent without waiting for the answers.

    The median: a machine that is busy elsewhere wakes us late now and then, which is not the link's doing.
    """
    trips_s: list[float] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as site:
        site.connect((host, int(port)))
        next_s = time.monotonic()
        to_send = int(count)
        while len(trips_s) < int(count):
            wait_s = max(0.0001, next_s - time.monotonic()) if to_send else SILENCE_S
            site.settimeout(wait_s)
            try:
                (sent_s,) = STAMP.unpack(site.recv(100))
                trips_s.append(time.monotonic() - sent_s)
            except TimeoutError:
                if not to_send:
                    break
                site.send(STAMP.pack(time.monotonic()))
                to_send -= 1
                next_s += float(gap_s)
        site.send(END)
    _say(f"{len(trips_s)} {statistics.median(trips_s)}")


def sink(host: str, port: str) -> None:
    """Print packets received, and the payload bit rate between the first and the last of them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hub:
        hub.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        hub.bind((host, int(port)))
        _say("ready")
        hub.settimeout(SILENCE_S)
        size = len(hub.recv(65_535))
        first_s = last_s = time.monotonic()
        packets = 1
        try:
            while hub.recv(65_535) != END:
                packets += 1
                last_s = time.monotonic()
        except TimeoutError:
            pass  # Even the end may be lost.
    _say(f"{packets} {(packets - 1) * size * 8 / (last_s - first_s)}")


def flood(host: str, port: str, count: str, size: str, rate_bit_s: str) -> None:
    """Send `count` datagrams at about the given bit rate of payload."""
    payload = bytes(int(size))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as site:
        site.connect((host, int(port)))
        started_s = time.monotonic()
        for index in range(int(count)):
            ahead_s = index * len(payload) * 8 / float(rate_bit_s) - (time.monotonic() - started_s)
            if ahead_s > 0.001:
                time.sleep(ahead_s)
            site.send(payload)
        time.sleep(0.5)  # Let the buffer drain, so that the end does not fall on a full one.
        site.send(END)


def answer(host: str, port: str, size: str) -> None:
    """Over TCP: read to the end, then say `size` bytes."""
    with socket.create_server((host, int(port))) as hub:
        _say("ready")
        caller, _ = hub.accept()
        with caller:
            while caller.recv(65_536):
                pass
            caller.sendall(bytes(int(size)))


def ask(host: str, port: str, size: str) -> None:
    """Over TCP: say `size` bytes, and print how many came back."""
    heard = 0
    with socket.create_connection((host, int(port))) as site:
        site.sendall(bytes(int(size)))
        site.shutdown(socket.SHUT_WR)
        while data := site.recv(65_536):
            heard += len(data)
    _say(str(heard))


def capture(interface: str) -> None:
    """Until standard input ends, see every packet on an interface as a sniffer does; print the bytes of those
    that left and of those that came."""
    left = came = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)) as tap:
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16_000_000)
        tap.bind((interface, ETH_P_ALL))
        _say("ready")
        while True:
            ready, _, _ = select.select([tap, sys.stdin], [], [])
            if tap in ready:
                packet, (_, _, kind, *_) = tap.recvfrom(65_535)
                if kind == socket.PACKET_OUTGOING:
                    left += len(packet)
                else:
                    came += len(packet)
            elif sys.stdin in ready:
                break
    _say(f"{left} {came}")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    roles: dict[str, Callable[..., None]] = {
        "echo": echo,
        "ping": ping,
        "sink": sink,
        "flood": flood,
        "answer": answer,
        "ask": ask,
        "capture": capture,
    }
    roles[sys.argv[1]](*sys.argv[2:])
