"""A second listener to recorded sessions, written from docs/wire-format-sessions.md §8, §9 and §11 and from
nothing else.

Law: it imports nothing of the product. What it cannot hear, the page does not tell well enough. It believes
what it hears, but for the seals: no bound of the page is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MODULUS: Final = 1 << 64
CREDIT: Final = 3_145_728
Said = dict[str, Any]


# 8 and 11: keys


def key(domain: bytes, secret: bytes, salt: bytes, direction: bytes, phase: bytes, pseudonym: bytes) -> bytes:
    """One direction's key in one phase."""
    info = domain + direction + b"/" + phase + b"/" + pseudonym
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


# 8 Session channel


def streams(secret: bytes, dialer: bytes, listener: bytes) -> tuple[bytes, bytes]:
    """The plain text of what both said, from the first byte on."""
    assert dialer[0] == listener[0] == 1
    pseudonym, salt, other = dialer[1:5], dialer[5:17], listener[1:13]
    up = [
        key(b"sf-sync/1/", secret, salt, b"up", b"early", pseudonym),
        key(b"sf-sync/1/", secret, salt + other, b"up", b"fresh", pseudonym),
    ]
    down = [key(b"sf-sync/1/", secret, salt + other, b"down", b"fresh", pseudonym)]
    return records(dialer[17:], up), records(listener[13:], down)


def records(stream: bytes, keys: list[bytes]) -> bytes:
    """All records; the first that the first key does not open is the first of the next key."""
    plain, number = b"", 1
    while stream:
        size = int.from_bytes(stream[:2], "big")
        ciphertext, stream = stream[2 : 2 + size], stream[2 + size :]
        try:
            opened = ChaCha20Poly1305(keys[0]).decrypt(nonce(number), ciphertext, None)
        except InvalidTag:
            keys = keys[1:]
            opened = ChaCha20Poly1305(keys[0]).decrypt(nonce(number), ciphertext, None)
        assert opened, "no record is empty"
        plain, number = plain + opened, number + 1
    return plain


# 9 Frames


@dataclass(slots=True)
class Body:
    """Bytes that are read from the front."""

    left: bytes

    def raw(self, size: int) -> bytes:
        assert size <= len(self.left), "too short"
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def rest(self) -> bytes:
        return self.raw(len(self.left))

    def number(self, size: int) -> int:
        return int.from_bytes(self.raw(size), "big")

    def varint(self) -> int:
        value = shift = 0
        while True:
            octet = self.number(1)
            value |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return value

    def signed(self) -> int:
        value = self.varint()
        return -(value + 1) // 2 if value % 2 else value // 2

    def ranges(self) -> set[int]:
        members: set[int] = set()
        end = 0
        for _ in range(self.varint()):
            start = end + self.varint()
            end = start + self.varint()
            members |= set(range(start, end))
        return members

    def views(self) -> dict[bytes, tuple[set[int], int]]:
        return {self.raw(4): (self.ranges(), self.number(8)) for _ in range(self.varint())}

    def unfinished(self) -> list[tuple[int, bytes, set[int]]]:
        listed = []
        while self.left:
            listed.append((self.varint(), self.raw(4), self.ranges()))
        return listed


def frames(stream: bytes) -> Iterator[tuple[int, Said]]:
    """Type and meaning of each frame."""
    body = Body(stream)
    while body.left:
        code = body.number(1)
        inner = Body(b"" if code & 0x40 else body.raw(body.varint()))
        yield code, meaning(code, inner)
        assert not inner.left, f"bytes are left over in a frame {code:#04x}"


def meaning(code: int, body: Body) -> Said:
    """What the body of a frame says."""
    return {} if code & 0x40 else MEANINGS[code](body)


def naming(body: Body) -> Said:
    octet = body.number(1)
    life = body.raw(4) if octet & 0x80 else None
    named = {"dwell": octet & 0x1F, "priority": octet >> 5 & 3, "incarnation": life}
    return {**named, "sequence": body.varint(), "id": body.raw(12)}


def partials(body: Body) -> Said:
    return {
        "unfinished": [
            (body.varint(), body.varint(), body.raw(4), body.ranges()) for _ in range(body.varint())
        ]
    }


def hello(body: Body) -> Said:
    assert body.number(1) == 1
    flags = body.number(1)
    said: Said = {"flags": flags, "generation": body.varint(), "incarnation": body.raw(4)}
    said |= {"highest": body.varint(), "digest": body.number(8), "credit": body.varint()}
    return {**said, "clock": body.varint(), "views": body.views(), **partials(body)}


def hail(body: Body) -> Said:
    flags = body.number(1)
    said: Said = {"flags": flags & 0x1F, "generation": body.varint(), "incarnation": body.raw(4)}
    said["minutes"] = body.number(3) if flags & 0x40 else 0
    said["credit"] = body.varint() if flags & 0x20 else CREDIT
    said["stored"] = body.ranges() if flags & 0x80 else set(range(1, body.varint() + 1))
    said["highest"] = max(said["stored"], default=0) + body.varint()
    said["held"] = body.ranges() if flags & 0x80 else set(range(1, body.varint() + 1))
    said["total"] = body.number(8) if said["stored"] or said["held"] else None
    return {**said, "unfinished": body.unfinished()}


def answer(body: Body) -> Said:
    flags = body.number(1) if body.left else 0
    said: Said = {"flags": flags & 0x1F, "incarnation": body.raw(4) if flags & 0x40 else None}
    said["ahead"] = body.varint() if body.left else 0
    said["minutes ahead"] = body.signed() if body.left else 0
    said["credit"] = body.varint() if flags & 0x20 else CREDIT
    said["holds"] = (body.ranges(), body.number(8)) if flags & 0x80 else None
    return {**said, "unfinished": body.unfinished()}


def account(body: Body) -> Said:
    return {"digest": body.number(8), "views": body.views(), **partials(body)}


def offer(body: Body) -> Said:
    offered = {"handle": body.varint(), **naming(body), "seal tag": body.raw(4), "key": body.raw(2)}
    return {**offered, "size": body.varint()}


def whole(body: Body) -> Said:
    return {**naming(body), "key": body.raw(2), "sealed": body.rest()}


def data(body: Body) -> Said:
    return {"handle": body.varint(), "offset": body.varint(), "sealed": body.rest()}


def have(body: Body) -> Said:
    return {"handle": body.varint(), "held": body.ranges()}


def stored(body: Body) -> Said:
    return {"incarnation": body.raw(4), "numbers": body.ranges()}


def kept(body: Body) -> Said:
    first = body.varint()
    return {"numbers": set(range(first, first + (body.varint() if body.left else 1)))}


def told(body: Body) -> Said:
    return {**stored(body), "digest": body.number(8)}


def refused(body: Body) -> Said:
    return {"incarnation": body.raw(4), "sequence": body.varint(), "reason": body.number(1)}


def rekey(body: Body) -> Said:
    return {"incarnation": body.raw(4), "sequence": body.varint(), "prekey": body.raw(2)}


MEANINGS: Final[dict[int, Callable[[Body], Said]]] = {
    0x01: stored,
    0x02: rekey,
    0x04: stored,
    0x05: stored,
    0x81: hello,
    0x82: offer,
    0x83: data,
    0x84: have,
    0x85: stored,
    0x86: stored,
    0x87: told,
    0x88: refused,
    0x8B: whole,
    0x8C: hail,
    0x8D: answer,
    0x8E: account,
    0x8F: kept,
}


def digest(ids: Sequence[bytes]) -> int:
    return sum(int.from_bytes(each[:8], "big") for each in ids) % MODULUS


def total(stored: Sequence[bytes], held: Sequence[bytes], incarnation: bytes) -> int:
    """What a hail sums up, of the ids that both sets name."""
    life = int.from_bytes(incarnation, "big") << 32 if held else 0
    return (digest(stored) + 3 * digest(held) + life) % MODULUS


# 11 Datagrams


@dataclass(slots=True)
class Overheard:
    """What one side of a session in datagrams said."""

    control: dict[int, bytes] = field(default_factory=dict)
    """The pieces of the ordered stream, by offset."""
    data: list[tuple[int, int, bytes]] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)
    codes: set[int] = field(default_factory=set)

    @property
    def stream(self) -> bytes:
        """As far as it has no gap."""
        stream = b""
        for offset, piece in sorted(self.control.items()):
            if offset <= len(stream):
                stream += piece[len(stream) - offset :]
        return stream


class Ear:
    """Hears both sides of one session, in the order of sending."""

    def __init__(self, secret: bytes) -> None:
        self.dialer, self.listener = Overheard(), Overheard()
        self._secret = secret
        self._pseudonym = self._salt = self._other = b""
        self._next = {b"up": 0, b"down": 0}

    def hear(self, datagram: bytes, *, is_dialers: bool) -> None:
        """One of them."""
        octet, position = datagram[0], 1
        assert octet >> 6 == 1
        if octet & 0x20 and is_dialers:
            self._pseudonym, self._salt, position = datagram[1:5], datagram[5:13], 13
        elif octet & 0x20:
            self._other, position = datagram[1:9], 9
        direction = b"up" if is_dialers else b"down"
        size = (octet & 3) + 1
        number = self._number(direction, datagram[position : position + size])
        position += size
        is_fresh = octet & 0x10 or not is_dialers
        salt, phase = (self._salt + self._other, b"fresh") if is_fresh else (self._salt, b"early")
        aead = ChaCha20Poly1305(key(b"sf-datagram/1/", self._secret, salt, direction, phase, self._pseudonym))
        plain = aead.decrypt(nonce(number), datagram[position:], datagram[:position])
        self._hear_parts(self.dialer if is_dialers else self.listener, Body(plain))

    def _number(self, direction: bytes, low: bytes) -> int:
        """The nearest to the next one whose low bytes these are."""
        step, due = 1 << 8 * len(low), self._next[direction]
        last = int.from_bytes(low, "big")
        near = due - due % step + last
        number = min(
            (each for each in (near - step, near, near + step) if each >= 0), key=lambda n: abs(n - due)
        )
        self._next[direction] = max(due, number + 1)
        return number

    def _hear_parts(self, side: Overheard, body: Body) -> None:
        while body.left:
            code = body.number(1)
            side.codes.add(code)
            if code in (0x01, 0x02, 0x04):
                self._hear_word(side, code, body)
            elif code in (0x10, 0x11, 0x17, 0x18):
                offset = body.varint() if code < 0x17 else 0
                side.control[offset] = body.raw(body.varint()) if code == 0x10 else body.rest()
            elif code in (0x12, 0x13):
                handle, offset = body.varint(), body.varint()
                piece = body.raw(body.varint()) if code == 0x12 else body.rest()
                side.data.append((handle, offset, piece))
            else:
                for _ in range({0x03: 2, 0x14: 1, 0x15: 0, 0x16: 0}[code]):
                    body.varint()

    @staticmethod
    def _hear_word(side: Overheard, code: int, body: Body) -> None:
        highest, _ = body.varint(), body.varint()
        if code == 0x04:
            side.acknowledged |= set(range(highest + 1))
            return
        low = highest - body.varint()
        side.acknowledged |= set(range(low, highest + 1))
        for _ in range(body.varint() if code == 0x02 else 0):
            high = low - body.varint() - 2
            low = high - body.varint()
            side.acknowledged |= set(range(low, high + 1))
