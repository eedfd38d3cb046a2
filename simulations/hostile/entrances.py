"""The places where outside bytes come in, one row each: to measure, to fuzz, and to test for bounds.

Law: an entrance given any bytes answers, or raises one of its refusals, and nothing else ever. Where bytes
come in under a seal, a row gives what stands *inside* a true seal: an enemy may hold a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.bundle import pack, unpack
from protocol.channel import DialerPreamble
from protocol.codec import decode
from protocol.compress import Codec, decompress
from protocol.datagram_parts import decode_parts
from protocol.enrolment import parse_code, request_hint
from protocol.entry import SignedEntry, read_entry
from protocol.errors import (
    BaseMissing,
    BundleRefused,
    EnrolmentRefused,
    MalformedInput,
    SealBroken,
    UnknownKey,
)
from protocol.exchange_keys import ExchangeKey
from protocol.framing import FrameDecoder
from protocol.header import decode_header
from protocol.letters import decode_letter
from protocol.limits import BUNDLE_TEXT_BYTES_MAX, ENTRY_BYTES_MAX
from protocol.line_framing import UnitDecoder, encode_unit
from protocol.ranges import decode_ranges
from protocol.varint import decode_varint
from sync.local_wire import ConnectionLost
from sync.local_wire import decode as decode_local

from . import compressed, datagrams, letters, messages, samples, sealed, streams

Hostile = Callable[[], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """One place where bytes come in."""

    name: str
    enter: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    """What its documentation says that it raises for bytes it does not take."""
    samples: Callable[[], Sequence[bytes]]
    """Bytes that it takes."""
    hostile: tuple[Hostile, ...] = ()
    """Families of what an enemy would send here; bytes that mean nothing anywhere come on top."""
    read_bytes_max: int | None = None
    """The most that comes in at once, where that is less than an enemy would like."""
    takes_floods: bool = False
    """Whether things that are true one by one may come without end: it pays for each as its sender does."""

    def hostile_inputs(self) -> dict[str, bytes]:
        """All of them by name."""
        families = (messages.anything, *self.hostile)
        return {name: data[: self.read_bytes_max] for family in families for name, data in family().items()}


def _after(data: bytes) -> object:
    """Codec byte, dictionary byte, data; copies may reach into an entry that is held."""
    codec, dictionary = data[:1], data[1:2]
    history = samples.HISTORY if codec == bytes((Codec.PHRASES_AFTER,)) else b""
    size_bytes_max = BUNDLE_TEXT_BYTES_MAX + ENTRY_BYTES_MAX
    return decompress(
        int.from_bytes(codec),
        int.from_bytes(dictionary),
        data[2:],
        size_bytes_max=size_bytes_max,
        history=history,
    )


def _payloads() -> tuple[bytes, ...]:
    return tuple(entry.payload for entry in samples.entries())


ENTRANCES: Final[Mapping[str, Entrance]] = {
    entrance.name: entrance
    for entrance in (
        Entrance(
            name="varint",
            enter=decode_varint,
            refusals=(MalformedInput,),
            samples=lambda: (b"\x05", b"\xac\x02"),
            hostile=(streams.integers,),
        ),
        Entrance(
            name="ranges",
            enter=decode_ranges,
            refusals=(MalformedInput,),
            samples=lambda: (b"\x00", b"\x02\x01\x03\x02\x01"),
            hostile=(streams.integers, streams.sets),
        ),
        Entrance(
            name="message",
            enter=lambda data: decode(data, size_bytes_max=ENTRY_BYTES_MAX),
            refusals=(MalformedInput,),
            samples=_payloads,
            hostile=(messages.messages, messages.entry_payloads),
        ),
        Entrance(
            name="entry",
            enter=lambda data: read_entry(SignedEntry(data, bytes(64))),
            refusals=(MalformedInput,),
            samples=_payloads,
            hostile=(messages.messages, messages.entry_payloads),
        ),
        Entrance(
            name="compressed",
            enter=_after,
            refusals=(MalformedInput,),
            samples=samples.packed,
            hostile=(compressed.packed,),
        ),
        Entrance(
            name="bundle",
            enter=lambda data: unpack(data, base=samples.entries()[0]),
            refusals=(BundleRefused, BaseMissing),
            samples=samples.bundles,
            hostile=(compressed.in_bundle,),
        ),
        Entrance(
            name="header",
            enter=decode_header,
            refusals=(BundleRefused,),
            samples=lambda: (samples.header(),),
            hostile=(streams.headers,),
        ),
        Entrance(
            name="frames",
            enter=lambda data: list(FrameDecoder().feed(data)),
            refusals=(MalformedInput,),
            samples=samples.frames,
            hostile=(streams.frames, streams.sets),
        ),
        Entrance(
            name="line",
            enter=lambda data: UnitDecoder().feed(data),
            refusals=(),
            samples=lambda: tuple(map(encode_unit, samples.frames())),
            hostile=(streams.lines,),
            read_bytes_max=streams.READ_BYTES,
            takes_floods=True,
        ),
        Entrance(
            name="preamble",
            enter=DialerPreamble.decode,
            refusals=(MalformedInput,),
            samples=lambda: (DialerPreamble(samples.PAIR, b"dialer salt.").encode(),),
        ),
        Entrance(
            name="listener channel",
            enter=sealed.listen,
            refusals=(MalformedInput, SealBroken),
            samples=sealed.dialled,
            hostile=(streams.records,),
        ),
        Entrance(
            name="dialer channel",
            enter=sealed.dial,
            refusals=(MalformedInput, SealBroken),
            samples=sealed.listened,
            hostile=(streams.records,),
        ),
        Entrance(
            name="session",
            enter=sealed.converse,
            refusals=(),
            samples=lambda: (b"".join(samples.frames()), *samples.frames()),
            hostile=(streams.frames, streams.floods),
            takes_floods=True,
        ),
        Entrance(
            name="session after the greeting",
            enter=sealed.converse_acquainted,
            refusals=(),
            samples=samples.frames,
            hostile=(streams.frames, streams.floods),
            takes_floods=True,
        ),
        Entrance(
            name="datagram to a listener",
            enter=datagrams.to_listener,
            refusals=(MalformedInput, SealBroken),
            samples=datagrams.dialled,
            read_bytes_max=datagrams.DATAGRAM_BYTES_MAX,
        ),
        Entrance(
            name="datagram to a dialer",
            enter=datagrams.to_dialer,
            refusals=(MalformedInput, SealBroken),
            samples=datagrams.listened,
            read_bytes_max=datagrams.DATAGRAM_BYTES_MAX,
        ),
        Entrance(
            name="parts of a datagram",
            enter=decode_parts,
            refusals=(MalformedInput,),
            samples=datagrams.parts,
            hostile=(datagrams.hostile_parts,),
            read_bytes_max=datagrams.DATAGRAM_BYTES_MAX,
            takes_floods=True,
        ),
        Entrance(
            name="letter",
            enter=letters.to_hub,
            refusals=(MalformedInput, SealBroken),
            samples=letters.posted,
        ),
        Entrance(
            name="content of a letter",
            enter=decode_letter,
            refusals=(MalformedInput,),
            samples=letters.contents,
            hostile=(letters.hostile_contents,),
        ),
        Entrance(
            name="sealed bundle",
            enter=sealed.open_envelope,
            refusals=(BundleRefused, BaseMissing, SealBroken, UnknownKey),
            samples=sealed.sealed_contents,
        ),
        Entrance(
            name="content of a sealed bundle",
            enter=sealed.open_enveloped,
            refusals=(BundleRefused, BaseMissing),
            samples=samples.signed_bundles,
            hostile=(compressed.in_bundle,),
        ),
        Entrance(
            name="content of a small bundle",
            enter=sealed.open_small_enveloped,
            refusals=(BundleRefused, BaseMissing),
            samples=lambda: (pack(samples.micro()),),
            hostile=(compressed.in_bundle,),
        ),
        Entrance(
            name="small message",
            enter=sealed.open_message,
            refusals=(BundleRefused, SealBroken, UnknownKey),
            samples=sealed.small_messages,
        ),
        Entrance(
            name="enrolment request",
            enter=sealed.request,
            refusals=(EnrolmentRefused,),
            samples=sealed.requests,
        ),
        Entrance(
            name="enrolment hint",
            enter=request_hint,
            refusals=(EnrolmentRefused,),
            samples=sealed.requests,
        ),
        Entrance(
            name="enrolment answer",
            enter=sealed.response,
            refusals=(EnrolmentRefused,),
            samples=sealed.responses,
        ),
        Entrance(
            name="content of an enrolment request",
            enter=sealed.requested,
            refusals=(EnrolmentRefused,),
            samples=lambda: (b"\x94\xa1s" + (b"\xc4\x20" + samples.PREKEY.public_key) * 3,),
            hostile=(messages.messages,),
        ),
        Entrance(
            name="enrolment code",
            enter=lambda data: parse_code(data.decode("latin-1")),
            refusals=(EnrolmentRefused,),
            samples=lambda: (b"7K2M-7K2M-7K2M-7K2M",),
        ),
        Entrance(
            name="exchange key",
            enter=ExchangeKey().decode,
            refusals=(MalformedInput,),
            samples=lambda: (samples.PREKEY.public_key,),
            hostile=(sealed.points_of_low_order,),
        ),
        Entrance(
            name="local message",
            enter=decode_local,
            refusals=(ConnectionLost,),
            samples=lambda: (b"\x82\xa2id\x01\xa6method\xa6status",),
            hostile=(messages.messages,),
        ),
    )
}
