"""What waits to leave in datagrams: frames cut to fit, what was lost before what is new.

The little that is not DATA goes first, then DATA by the priority that its bundle was offered with.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable
from typing import Final

from protocol.datagram_parts import (
    PIECE_OVERHEAD_BYTES_MAX,
    Control,
    DataPiece,
    End,
    Part,
    encode_parts,
)
from protocol.fields import Fields
from protocol.frames import Bye, Data, DigestTell, Have, Idle, Kept, KeptLast, Offer, Stored, Whole
from protocol.framing import next_bounds
from protocol.header import Priority
from protocol.varint import encode_varint

from .datagram_offered import Offered

_BYE: Final = bytes((Bye.CODE,))
_ANSWERS: Final = frozenset((Stored.CODE, Kept.CODE, KeptLast.CODE, Have.CODE, DigestTell.CODE, Bye.CODE))
_PATIENT: Final = frozenset((Stored.CODE, Kept.CODE, KeptLast.CODE, Have.CODE, Idle.CODE))
ECHOES_MAX: Final = 64
PIECES_MAX: Final = 32
"""In one datagram: with word of what came, and what is said again, far from `PARTS_MAX`."""
JOINED_BYTES_MAX: Final = 1400
RECEIPTS_BYTES_MAX: Final = 512
LENGTH_BYTES_MAX: Final = 2
"""Of a piece in a datagram."""
PIECE_BYTES_MIN: Final = 48
"""A datagram's last bytes are left free rather than filled with less."""


class Outbox:
    """One side's frames on their way into datagrams."""

    def __init__(self) -> None:
        self.queued_bytes = 0
        """Bytes that have not left yet, or are to leave again."""
        self.has_said_bye = False
        self.named = 0
        """Bundles that wait for their receipts, or had them."""
        self.most_urgent: Priority | None = None
        """Of those."""
        self.ends_idle = False
        """Since we said that we have no more, we only answered."""
        self._control: deque[bytes] = deque()
        self._cut = b""
        """The rest of a frame that has begun to leave."""
        self._control_end = 0
        self._data: dict[Priority, deque[DataPiece]] = {}
        """Of classes that have something, the most urgent first: an empty queue takes most of a kilobyte."""
        self._offered = Offered()
        self._again_control: list[Control] = []
        self._again_data: deque[DataPiece] = deque()
        self._echoes: list[tuple[Part, ...]] = []
        self._is_ending = False
        self._end_is_due = False

    @property
    def empty(self) -> bool:
        return not self.queued_bytes and not self._end_is_due and not self._echoes

    def write(self, frames: bytes) -> None:
        """Queue whole frames."""
        position = 0
        while position < len(frames):
            bounds = next_bounds(frames[position : position + len(frames)])
            if bounds is None:
                raise ValueError("frames are handed over whole")
            start, end = position + bounds[0], position + bounds[1]
            self._put(frames[position], frames[position:end], frames[start:end])
            position = end

    def finish(self) -> None:
        """Nothing more will be written."""
        if not self._is_ending and not self.has_said_bye:
            self._is_ending = self._end_is_due = True

    @property
    def _has_data(self) -> bool:
        return any(self._data.values())

    @property
    def foremost_bytes(self) -> int:
        """What waits of the most urgent class that has something: nothing less urgent holds it up."""
        foremost = next((queue for queue in self._data.values() if queue), None)
        return sum(len(piece.data) for piece in foremost or ())

    @property
    def haste(self) -> Priority | None:
        """The class of the text that is foremost, if it is an urgent one."""
        if not self._data:
            return None
        for priority in (Priority.EMERGENCY, Priority.URGENT):
            if queue := self._data.get(priority):
                return priority if self._offered.is_text(queue[0]) else None
        return None

    def urgency_of(self, parts: Iterable[Part]) -> Priority | None:
        """The class of the most urgent text that these hold bytes of, if it is an urgent one."""
        return self._offered.urgency_of(parts)

    def holds_bulk(self, size_bytes_max: int) -> bool:
        """What would leave next is of a larger bundle than this."""
        if not self._data and not self._again_data:
            return False  # Asked several times for each datagram, and mostly so.
        queues = (self._again_data, *self._data.values())
        foremost = next((queue[0] for queue in queues if queue), None)
        return foremost is not None and self._offered.size_bytes_of(foremost.handle) > size_bytes_max

    @property
    def holds_only_receipts(self) -> bool:
        """Little is left to say, and no data: the window need not hold back so little."""
        return not self._has_data and not self._again_data and 0 < self.queued_bytes <= RECEIPTS_BYTES_MAX

    @property
    def holds_only_answers(self) -> bool:
        """Nothing that the peer has to act upon: receipts, and that we have no more."""
        frames = (self._cut, *self._control) if self._cut else self._control
        is_new = self._again_control or self._end_is_due or self._has_data or self._again_data
        return not is_new and all(frame[0] in _PATIENT for frame in frames)

    @property
    def holds_only_progress(self) -> bool:
        """How far long bundles have come: nobody waits for it, and there will be newer."""
        is_else = self._cut or self._again_control or self._end_is_due or self._has_data or self._again_data
        return not is_else and all(frame[0] == Have.CODE for frame in self._control)

    def is_only_bye(self) -> bool:
        """Nothing but a goodbye is left to say."""
        others = self._cut or self._has_data or self._again_control or self._again_data
        return not others and all(frame == _BYE for frame in self._control)

    def clear(self) -> None:
        """Say nothing of all this."""
        self._control.clear()
        self._again_control.clear()
        self._again_data.clear()
        self._data.clear()
        self._echoes.clear()
        self._cut = b""
        self.queued_bytes = 0
        self._end_is_due = False

    def again(self, parts: tuple[Part, ...]) -> None:
        """These were lost."""
        for part in parts:
            if isinstance(part, Control):
                # What was sent first is what the peer waits for.
                insort(self._again_control, part, key=lambda piece: piece.offset)
                self.queued_bytes += len(part.data)
            elif isinstance(part, DataPiece):
                priority = self._offered.priority_of(part.handle)
                if priority <= Priority.URGENT and self._offered.is_text(part):
                    self._queue_of(priority).appendleft(part)
                else:
                    self._again_data.append(part)
                self.queued_bytes += len(part.data)
            elif isinstance(part, End):
                self._end_is_due = True

    def echo(self, parts: tuple[Part, ...]) -> None:
        """Say these twice: nothing new is left, and the end waits for them."""
        if not self._has_data and not self._control and len(self._echoes) < ECHOES_MAX:
            self._echoes.append(parts)

    def take_echo(self, room_bytes: int) -> list[Part]:
        """Parts that are to be said a second time, once all else has left."""
        if self.queued_bytes or self._end_is_due or not self._echoes:
            return []
        parts: list[Part] = [part for part in self._echoes.pop(0) if not isinstance(part, End)]
        return parts if len(encode_parts(parts)) <= room_bytes else []

    def take(self, room_bytes: int, *, only: Priority = Priority.BULK) -> list[Part]:
        """Parts for one datagram; of data, none less urgent than `only`."""
        taken: list[Part] = []
        room_bytes = self._take_control_again(room_bytes, taken)
        room_bytes = self._take_control(room_bytes, taken)
        if not (self._cut or self._control or self._again_control):
            if only is Priority.BULK:
                room_bytes = self._take_data(self._again_data, room_bytes, taken)
            for priority, queue in self._data.items():
                if priority <= only:
                    room_bytes = self._take_data(queue, room_bytes, taken)
            self._data = {priority: queue for priority, queue in self._data.items() if queue}
        if self._end_is_due and not self.queued_bytes and room_bytes >= PIECE_OVERHEAD_BYTES_MAX:
            self._end_is_due = False
            taken.insert(0, End(self._control_end))
        return taken

    # Inside.

    def _put(self, code: int, frame: bytes, body: bytes) -> None:
        if code == Data.CODE:
            fields = Fields(body)
            data = Data.read(fields)
            priority = self._offered.priority_of(data.handle)
            self._queue_of(priority).append(DataPiece(data.handle, data.offset, data.data))
            self.ends_idle = False
            self.queued_bytes += len(data.data)
            return
        self.has_said_bye |= code == Bye.CODE
        if code in (Offer.CODE, Whole.CODE):
            priority = (Offer if code == Offer.CODE else Whole).read(Fields(body)).priority
            self.named += 1
            self.most_urgent = priority if self.most_urgent is None else min(self.most_urgent, priority)
        self.ends_idle = code == Idle.CODE or (self.ends_idle and code in _ANSWERS)
        if code == Offer.CODE:
            self._offered.note_offer(Offer.read(Fields(body)))
        if code == Have.CODE:
            self._drop_older(body)
        self._control.append(frame)
        self.queued_bytes += len(frame)

    def _queue_of(self, priority: Priority) -> deque[DataPiece]:
        if priority not in self._data:
            self._data = dict(sorted([*self._data.items(), (priority, deque())]))
        return self._data[priority]

    def _drop_older(self, body: bytes) -> None:
        """Progress that has not left is void once there is newer progress of the same bundle."""
        handle = Fields(body).number()
        for frame in self._control:
            if frame[0] == Have.CODE and _handle_of(frame) == handle:
                self._control.remove(frame)
                self.queued_bytes -= len(frame)
                return

    def _take_control_again(self, room_bytes: int, taken: list[Part]) -> int:
        while self._again_control and room_bytes > PIECE_BYTES_MIN and len(taken) < PIECES_MAX:
            piece = self._joined_control_again()
            size = min(room_bytes - PIECE_OVERHEAD_BYTES_MAX, len(piece.data))
            if size < len(piece.data):
                self._again_control.insert(0, Control(piece.offset + size, piece.data[size:]))
            taken.append(Control(piece.offset, piece.data[:size]))
            self.queued_bytes -= size
            room_bytes -= size + PIECE_OVERHEAD_BYTES_MAX
        return room_bytes

    def _joined_control_again(self) -> Control:
        """The first piece, with those that continue it: many small ones may have been lost in a row."""
        first = self._again_control.pop(0)
        data = bytearray(first.data)
        while (
            self._again_control
            and self._again_control[0].offset == first.offset + len(data)
            and len(data) < JOINED_BYTES_MAX
        ):
            data += self._again_control.pop(0).data
        return Control(first.offset, bytes(data))

    def _take_control(self, room_bytes: int, taken: list[Part]) -> int:
        fresh = bytearray()
        while (self._cut or self._control) and room_bytes > PIECE_BYTES_MIN + len(fresh):
            frame = self._cut or self._control.popleft()
            size = min(room_bytes - PIECE_OVERHEAD_BYTES_MAX - len(fresh), len(frame))
            if not self._cut and frame[0] == Whole.CODE:
                self._offered.note_whole(frame, self._control_end + len(fresh))
            fresh += frame[:size]
            self._cut = frame[size:]
        if not fresh:
            return room_bytes
        taken.append(Control(self._control_end, bytes(fresh)))
        self._control_end += len(fresh)
        self.queued_bytes -= len(fresh)
        return room_bytes - len(fresh) - PIECE_OVERHEAD_BYTES_MAX

    def _take_data(self, queue: deque[DataPiece], room_bytes: int, taken: list[Part]) -> int:
        while queue and room_bytes > PIECE_BYTES_MIN and len(taken) < PIECES_MAX:
            piece = queue.popleft()
            size = min(room_bytes - _overhead_bytes(taken, piece), len(piece.data))
            if size < len(piece.data):
                queue.appendleft(DataPiece(piece.handle, piece.offset + size, piece.data[size:]))
            self.queued_bytes -= size
            room_bytes -= size + _overhead_bytes(taken, piece)
            part = DataPiece(piece.handle, piece.offset, piece.data[:size])
            if (joined := _joined(taken, part)) is not None:
                taken[-1] = joined
            else:
                taken.append(part)
        return room_bytes


def _handle_of(have: bytes) -> int:
    bounds = next_bounds(have)
    return Fields(have[bounds[0] :]).number() if bounds else -1


def _overhead_bytes(taken: list[Part], piece: DataPiece) -> int:
    """What stands before the bytes of a piece, if something should follow it."""
    if _joined(taken, piece) is not None:
        return 0
    return 1 + len(encode_varint(piece.handle)) + len(encode_varint(piece.offset)) + LENGTH_BYTES_MAX


def _joined(taken: list[Part], part: DataPiece) -> DataPiece | None:
    """The part as the continuation of the one before it."""
    last = taken[-1] if taken else None
    if (
        isinstance(last, DataPiece)
        and last.handle == part.handle
        and last.offset + len(last.data) == part.offset
    ):
        return DataPiece(last.handle, last.offset, last.data + part.data)
    return None
