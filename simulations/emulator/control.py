"""The words between a link's owner and the process that carries it: one JSON object per line.

Both ends are ours and share a private socket pair, so a malformed line is our own bug and ends the link.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypedDict

from simulations.links import DirectionCounters, LinkProfile, Table, profile_document, read_profile

from .counters import LinkCounters

LINE_BYTES_MAX = 16_000_000  # A recording of a line is written out in the profile.
CONTROL_READ_BYTES = 65_536


class Mode(StrEnum):
    """How packets are carried."""

    NAMESPACE = "namespace"
    RELAY = "relay"


class Command(StrEnum):
    """What an owner can ask of a running link."""

    CUT = "cut"
    RESTORE = "restore"
    COUNTERS = "counters"
    FORWARD_TCP = "forward-tcp"
    FORWARD_UDP = "forward-udp"


@dataclass(frozen=True, slots=True)
class Start:
    """The first line, from the owner."""

    mode: Mode
    profile: LinkProfile
    seed: int
    packet_log: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Any later line from the owner; `port` is the hub's, for the forwards."""

    command: Command
    port: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to each line from the owner; a `problem` is a sentence, empty if all went well."""

    problem: str = ""
    port: int = 0
    site_namespace: str = ""
    hub_namespace: str = ""
    is_up: bool = True
    counters: LinkCounters | None = None


class _ReplyWire(TypedDict):
    problem: str
    port: int
    site_namespace: str
    hub_namespace: str
    is_up: bool
    counters: dict[str, dict[str, int]] | None


class LineBuffer:
    """Joins what a socket yields into whole lines."""

    def __init__(self) -> None:
        self._pending = b""

    def receive(self, data: bytes) -> list[bytes]:
        """Add bytes; return the lines they complete."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > LINE_BYTES_MAX:
            raise ValueError(f"a control line of more than {LINE_BYTES_MAX} bytes")
        return lines


def encode_start(start: Start) -> bytes:
    return _line(
        {
            "mode": start.mode,
            "profile": profile_document(start.profile),
            "seed": start.seed,
            "packet_log": start.packet_log,
        }
    )


def decode_start(line: bytes) -> Start:
    value = json.loads(line)
    profile = read_profile(Table(value["profile"], text="", shown_as="the profile of the link"))
    return Start(Mode(value["mode"]), profile, value["seed"], value["packet_log"])


def encode_request(request: Request) -> bytes:
    return _line(asdict(request))


def decode_request(line: bytes) -> Request:
    value = json.loads(line)
    return Request(Command(value["command"]), value["port"])


def encode_reply(reply: Reply) -> bytes:
    return _line(asdict(reply))


def decode_reply(line: bytes) -> Reply:
    value: _ReplyWire = json.loads(line)
    counters = value["counters"]
    return Reply(
        problem=value["problem"],
        port=value["port"],
        site_namespace=value["site_namespace"],
        hub_namespace=value["hub_namespace"],
        is_up=value["is_up"],
        counters=None if counters is None else _counters(counters),
    )


def _counters(value: dict[str, dict[str, int]]) -> LinkCounters:
    return LinkCounters(up=DirectionCounters(**value["up"]), down=DirectionCounters(**value["down"]))


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
