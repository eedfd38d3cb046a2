"""What came in datagrams, given to the session in an order it can follow: offers before their bytes.

Each message holds whole frames of one phase.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Final

from protocol.bare_channel import encode_message
from protocol.channel import Phase
from protocol.datagram_parts import Control, DataPiece
from protocol.fields import Fields
from protocol.frames import Bye, Data, Idle, Offer, Whole
from protocol.framing import encode_frame, next_bounds
from protocol.limits import CHUNK_BYTES_MAX
from protocol.ranges import RangeSet

from ..ports import PARTIALS_MAX

UNREAD_BYTES_MAX: Final = 2 * 1024 * 1024
"""What may lie here unread: twice the credit that our sessions grant."""
AHEAD_BYTES_MAX: Final = 2 * 1024 * 1024
"""What may lie here out of turn."""
FRAGMENTS_MAX: Final = 128
"""Pieces of one bundle with gaps between them that are handed on: half of what a receipt can tell. A burst of
losses leaves more; they wait until some gaps are filled."""
BUNDLES_MAX: Final = 2 * PARTIALS_MAX
"""Bundles whose pieces are kept track of, the latest offered."""
_NOTHING: Final = RangeSet()
_BEGINNINGS: Final = frozenset((Offer.CODE, Whole.CODE))
AHEAD_PIECES_MAX: Final = 8192
"""However small they are."""


class Inbox:
    """One side's arrivals. A piece that finds no room is refused; the peer sends it again later."""

    def __init__(self) -> None:
        self.peer_has_said_bye = False
        self.peer_is_idle = False
        """It has said that it has no more, and offered nothing since."""
        self._messages: deque[tuple[Phase, bytes]] = deque()
        self._unread_bytes = 0
        self._position = 0
        self._ahead: dict[int, tuple[bytes, Phase]] = {}
        self._offsets: list[int] = []
        """Those of `_ahead`, as a heap."""
        self._ahead_bytes = 0
        self._partial = bytearray()
        self._handle_max = 0
        self._unoffered: list[tuple[DataPiece, Phase]] = []
        self._held: dict[int, RangeSet] = {}
        """What came of each bundle that is not done with."""
        self._scattered: list[tuple[DataPiece, Phase]] = []
        self._end: int | None = None

    @property
    def is_waiting(self) -> bool:
        """Something can be read."""
        return bool(self._messages)

    @property
    def has_ended(self) -> bool:
        """Everything the peer had to say was read, or can be."""
        return self.peer_has_said_bye or (self._end is not None and self._position >= self._end)

    def control(self, piece: Control, phase: Phase) -> bool:
        """Bytes of the ordered stream, in any order and any number of times; whether there was room."""
        if piece.offset > self._position:
            return self._put_aside(piece, phase)
        if self._unread_bytes >= UNREAD_BYTES_MAX:
            return False
        self._append(piece.data[self._position - piece.offset :], phase)
        while self._offsets and self._offsets[0] <= self._position:
            following = heappop(self._offsets)
            data, phase = self._ahead.pop(following)
            self._ahead_bytes -= len(data)
            self._append(data[self._position - following :], phase)
        return True

    def data(self, piece: DataPiece, phase: Phase) -> bool:
        """Bytes of a bundle, which wait for their offer if they have overtaken it; whether there was room."""
        if piece.handle <= self._handle_max:
            if self._unread_bytes >= UNREAD_BYTES_MAX:
                return False
            return self._deliver_data(piece, phase)
        if self._has_room_aside:
            self._unoffered.append((piece, phase))
            self._ahead_bytes += len(piece.data)
            return True
        return False

    def end(self, offset: int) -> None:
        """The peer's stream ends there."""
        self._end = offset

    def take(self) -> bytes:
        """The next message, b"" if nothing can be read."""
        if not self._messages:
            return b""
        phase, first = self._messages.popleft()
        frames = [first]
        size = len(first)
        while self._messages and self._messages[0][0] is phase and size < CHUNK_BYTES_MAX:
            frames.append(self._messages.popleft()[1])
            size += len(frames[-1])
        self._unread_bytes -= size
        return encode_message(phase, b"".join(frames))

    # Inside.

    @property
    def _has_room_aside(self) -> bool:
        pieces = len(self._ahead) + len(self._unoffered) + len(self._scattered)
        return self._ahead_bytes < AHEAD_BYTES_MAX and pieces < AHEAD_PIECES_MAX

    def _put_aside(self, piece: Control, phase: Phase) -> bool:
        if not self._has_room_aside:
            return False
        known, _ = self._ahead.get(piece.offset, (b"", phase))
        if len(known) < len(piece.data):
            if not known:
                heappush(self._offsets, piece.offset)
            self._ahead_bytes += len(piece.data) - len(known)
            self._ahead[piece.offset] = (piece.data, phase)
        return True

    def _append(self, data: bytes, phase: Phase) -> None:
        """The ordered stream goes on."""
        self._partial += data
        self._position += len(data)
        self._deliver_frames(phase)

    def _deliver_frames(self, phase: Phase) -> None:
        while (bounds := next_bounds(self._partial)) is not None:
            start, end = bounds
            code, frame = self._partial[0], bytes(self._partial[:end])
            del self._partial[:end]
            self._messages.append((phase, frame))
            self._unread_bytes += len(frame)
            if code == Offer.CODE:
                self._offered(Fields(frame[start:]).number())
            self.peer_has_said_bye |= code == Bye.CODE
            self.peer_is_idle = code == Idle.CODE or (self.peer_is_idle and code not in _BEGINNINGS)

    def _offered(self, handle: int) -> None:
        self._handle_max = max(self._handle_max, handle)
        self._held[handle] = _NOTHING
        if len(self._held) > BUNDLES_MAX:
            del self._held[next(iter(self._held))]
        waiting, self._unoffered = self._unoffered, []
        for piece, phase in waiting:
            if piece.handle <= self._handle_max:
                self._ahead_bytes -= len(piece.data)
                self._deliver_data(piece, phase)
            else:
                self._unoffered.append((piece, phase))

    def _deliver_data(self, piece: DataPiece, phase: Phase) -> bool:
        """Hand it on, unless it would leave the bundle in more pieces than a session keeps apart."""
        end = piece.offset + len(piece.data)
        held = self._held.get(piece.handle, _NOTHING).add(piece.offset, end)
        if len(held.spans) > FRAGMENTS_MAX:
            if self._has_room_aside:
                self._scattered.append((piece, phase))
                self._ahead_bytes += len(piece.data)
                return True
            return False
        self._held[piece.handle] = held
        frame = encode_frame(Data(piece.handle, piece.offset, piece.data))
        self._messages.append((phase, frame))
        self._unread_bytes += len(frame)
        if self._scattered and len(held.spans) < FRAGMENTS_MAX // 2:
            self._gather()
        return True

    def _gather(self) -> None:
        """Gaps were filled: what waited for that may find its place."""
        scattered, self._scattered = self._scattered, []
        for piece, phase in scattered:
            self._ahead_bytes -= len(piece.data)
            self._deliver_data(piece, phase)
