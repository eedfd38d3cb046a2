"""An emulated link in real time, the same to its user whether namespaces or a relay carry it."""

from __future__ import annotations

import asyncio
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from simulations.links import LinkProfile, load_profile

from .control import Command, Mode, Reply, Request, Start, encode_request, encode_start
from .counters import LinkCounters
from .errors import EmulatorBroken, EmulatorError, NamespaceRefused, RelayRefused
from .namespaces import HUB_ADDRESS, namespace_obstacle
from .process import START_TIMEOUT_S, ControlledProcess

LOOPBACK = "127.0.0.1"
Protocol = Literal["tcp", "udp"]
ModeName = Literal["auto", "namespace", "relay"]


class EmulatedLink(ABC):
    """A running link; the calls that ask its carrier block for about a millisecond."""

    mode: Mode
    hub_listen_host: str

    def __init__(self, profile: LinkProfile, carrier: ControlledProcess) -> None:
        self.profile = profile
        self._carrier = carrier

    @abstractmethod
    def describe(self) -> str:
        """One sentence for the user: which link, carried how, and why so."""

    @abstractmethod
    def site_command(self, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` at the site."""

    @abstractmethod
    def hub_command(self, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` at the hub."""

    @abstractmethod
    def hub_address(self, port: int, protocol: Protocol = "tcp") -> tuple[str, int]:
        """What the site dials to reach this port of the hub through the link."""

    @abstractmethod
    def hub_address_nearby(self, port: int) -> tuple[str, int]:
        """Where this machine reaches the hub's TCP port past the link, uncounted (a browser, say)."""

    def hub_url(self, port: int, scheme: str = "http") -> str:
        """`hub_address` as a URL."""
        return "{}://{}:{}".format(scheme, *self.hub_address(port))

    def hub_url_nearby(self, port: int, scheme: str = "http") -> str:
        """`hub_address_nearby` as a URL."""
        return "{}://{}:{}".format(scheme, *self.hub_address_nearby(port))

    def cut(self) -> None:
        """Take the link away at once, with everything under way."""
        self._ask(Command.CUT)

    def restore(self) -> None:
        """Give the link back."""
        self._ask(Command.RESTORE)

    @property
    def is_up(self) -> bool:
        """False while cut, or during an outage of the profile."""
        return self._ask(Command.COUNTERS).is_up

    def counters(self) -> LinkCounters:
        """IP packets and bytes so far."""
        reply = self._ask(Command.COUNTERS)
        if reply.counters is None:
            raise EmulatorBroken("The process that carries the link answered without its counters.")
        return reply.counters

    @property
    def carrier_pid(self) -> int:
        """The process that carries the packets."""
        return self._carrier.pid

    def close(self) -> None:
        """End the carrier and what it made."""
        self._carrier.end()

    def _ask(self, command: Command, port: int = 0) -> Reply:
        reply = self._carrier.ask(encode_request(Request(command, port)))
        if reply.problem:
            raise RelayRefused(reply.problem)
        return reply


class NamespaceLink(EmulatedLink):
    """Two network namespaces: real IP packets, so every program and protocol goes through."""

    mode = Mode.NAMESPACE
    hub_listen_host = HUB_ADDRESS

    def __init__(self, profile: LinkProfile, carrier: ControlledProcess, opened: Reply) -> None:
        super().__init__(profile, carrier)
        self._site = opened.site_namespace
        self._hub = opened.hub_namespace
        self._doors: dict[int, tuple[ControlledProcess, tuple[str, int]]] = {}

    def describe(self) -> str:
        return (
            f"{self.profile.title}, emulated between two network namespaces: "
            "real IP packets, every byte counted."
        )

    def site_command(self, argv: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self._site, *argv]

    def hub_command(self, argv: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self._hub, *argv]

    def hub_address(self, port: int, protocol: Protocol = "tcp") -> tuple[str, int]:
        return HUB_ADDRESS, port

    def hub_address_nearby(self, port: int) -> tuple[str, int]:
        if port not in self._doors:
            self._doors[port] = self._open_door(port)
        return self._doors[port][1]

    def close(self) -> None:
        for door, _ in self._doors.values():
            door.end()
        super().close()

    def _open_door(self, port: int) -> tuple[ControlledProcess, tuple[str, int]]:
        with socket.create_server((LOOPBACK, 0)) as listener:
            number = listener.fileno()

            def argv(owner: int) -> list[str]:
                door = [sys.executable, "-m", "simulations.emulator.door", str(owner), str(number)]
                return self.hub_command([*door, HUB_ADDRESS, str(port)])

            return ControlledProcess(argv, also_pass=[number]), (LOOPBACK, listener.getsockname()[1])


class RelayLink(EmulatedLink):
    """Ports of this machine joined in user space; byte counts are an estimate of the IP bytes."""

    mode = Mode.RELAY
    hub_listen_host = LOOPBACK

    def __init__(self, profile: LinkProfile, carrier: ControlledProcess, reason: str) -> None:
        super().__init__(profile, carrier)
        self._reason = reason
        self._forwards: dict[tuple[int, Protocol], int] = {}

    def describe(self) -> str:
        return (
            f"{self.profile.title}, emulated by a user-space relay ({self._reason}): "
            "the same rate, delay and cuts; IP bytes are estimated."
        )

    def site_command(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def hub_command(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def hub_address(self, port: int, protocol: Protocol = "tcp") -> tuple[str, int]:
        if (port, protocol) not in self._forwards:
            command = Command.FORWARD_TCP if protocol == "tcp" else Command.FORWARD_UDP
            self._forwards[port, protocol] = self._ask(command, port).port
        return LOOPBACK, self._forwards[port, protocol]

    def hub_address_nearby(self, port: int) -> tuple[str, int]:
        return LOOPBACK, port


@asynccontextmanager
async def open_link(
    profile: LinkProfile | str,
    *,
    seed: int = 1,
    mode: ModeName = "auto",
    packet_log: Path | None = None,
) -> AsyncIterator[EmulatedLink]:
    """Open a link for as long as the block runs; raises `EmulatorError` or `ProfileError`."""
    chosen = load_profile(profile) if isinstance(profile, str) else profile
    if chosen.mailbox is not None:
        raise EmulatorError(
            f"{chosen.title} carries whole messages and no packets, so no program can talk through it. "
            "Choose another profile, or simulate a site that has it."
        )
    log = str(packet_log) if packet_log else None
    link = await asyncio.to_thread(_open, chosen, seed, mode, log)
    try:
        yield link
    finally:
        await asyncio.to_thread(link.close)


def _open(profile: LinkProfile, seed: int, mode: ModeName, log: str | None) -> EmulatedLink:
    if mode == "relay":
        return _open_relay(profile, seed, log, "as asked")
    obstacle = namespace_obstacle()
    if mode == "auto" and obstacle is not None:
        return _open_relay(profile, seed, log, obstacle)
    try:
        carrier, opened = _start(Start(Mode.NAMESPACE, profile, seed, log), NamespaceRefused)
    except NamespaceRefused as refusal:
        if mode == "namespace":
            raise
        return _open_relay(profile, seed, log, str(refusal).rstrip("."))
    return NamespaceLink(profile, carrier, opened)


def _open_relay(profile: LinkProfile, seed: int, log: str | None, reason: str) -> EmulatedLink:
    carrier, _ = _start(Start(Mode.RELAY, profile, seed, log), RelayRefused)
    return RelayLink(profile, carrier, reason)


def _start(start: Start, refusal: type[EmulatorError]) -> tuple[ControlledProcess, Reply]:
    carrier = ControlledProcess(
        lambda control: [sys.executable, "-m", "simulations.emulator.carrier", str(control)]
    )
    try:
        opened = carrier.ask(encode_start(start), START_TIMEOUT_S)
    except EmulatorError:
        carrier.end()
        raise
    if opened.problem:
        carrier.end()
        raise refusal(opened.problem)
    return carrier, opened
