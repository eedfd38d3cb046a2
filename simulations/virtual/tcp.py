"""One end of a TCP connection in memory, as a kernel keeps it: what comes is put in order, and how it ends.

What leaves is `tcp_sending`'s.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from functools import partial

from .tcp_sending import Sending
from .tcp_terms import HEADERS_BYTES, CutAt, Leg, Options, Progress, Receiver, Segment, Wires, uncut
from .wire import Land, Way


class TcpEnd:
    """A connection that stands, seen from one side."""

    def __init__(
        self,
        *,
        wires: Wires,
        leg: Leg,
        address: tuple[str, int],
        peer_address: tuple[str, int],
        options: Options,
        cut_at: CutAt = uncut,
    ) -> None:
        """`cut_at` is of what this end receives."""
        self.wires = wires
        self.leg = leg
        self.address = address
        self.peer_address = peer_address
        self.options = options
        self.progress = Progress()
        self.receiver: Receiver | None = None
        """None until somebody has accepted the connection, and after it was closed."""
        self.on_over: Callable[[], None] = lambda: None
        self.on_accept: Callable[[], None] | None = None
        """Of a listener's end, until somebody has accepted it."""
        self.sending = Sending(self, self._tell_room)
        self._cut_at = cut_at
        self._peer: TcpEnd | None = None
        self._next = 0
        self._early: dict[int, Segment] = {}
        self._unread: deque[bytes] = deque()
        self._unread_bytes = 0
        self._reads = True
        self._has_heard_end = self._end_is_told = False
        self._is_closed = False
        self._is_over = False
        """It broke, or is done: nothing leaves any more, and what comes is refused."""
        self._broke_by: OSError | None = None

    def join(self, peer: TcpEnd, rtt_s: float) -> None:
        """The other end, as the handshake found it."""
        self._peer = peer
        self.progress.rtt_s = self.progress.rtt_s_min = rtt_s
        self.progress.last_heard_at = _now()

    @property
    def is_over(self) -> bool:
        """Nothing leaves any more: it broke, was given up or is done, or its host is dead."""
        return self._is_over

    def accept(self) -> None:
        """The caller was heard again: the connection stands here too."""
        accepted, self.on_accept = self.on_accept, None
        if accepted is not None and not self._is_over:
            accepted()

    # What whoever holds it may do.

    def read(self, *, wanted: bool) -> None:
        """Go on, or stop, handing over what comes."""
        self._reads = wanted
        if wanted:
            asyncio.get_running_loop().call_soon(self._go_on)

    def close(self) -> None:
        """Nobody holds it any more. What was taken still leaves, unless there is something unread."""
        if self._is_closed:
            return
        self._is_closed, self.receiver = True, None
        if self._unread_bytes or self.options.resets_on_close or self._peer is None:
            self._reset()
        else:
            self.sending.finish()

    def give_up(self) -> None:
        """Before it stood."""
        self._end()

    def die(self) -> None:
        """Its host died: it falls silent without a word."""
        self._end()
        self._tell_broken(ConnectionResetError(errno.ECONNRESET, "This host is dead"))

    # For its sending half.

    def way(self) -> Way | None:
        return self.wires.way(self.leg.source, self.leg.target)

    def landing(self, segment: Segment) -> Land | None:
        return None if self._peer is None else partial(self._peer.land, segment)

    @property
    def unread_bytes_there(self) -> int:
        return 0 if self._peer is None else self._peer._unread_bytes

    def gave_up(self, error: OSError) -> None:
        self._break(error)

    def _tell_room(self) -> None:
        if self.receiver is not None:
            self.receiver.has_room()

    # What comes.

    def land(self, segment: Segment, packet: bytes) -> None:
        """A segment of the other end's, as the wire brought it."""
        if packet != segment.data:
            return  # Its checksum does not fit.
        if self._is_over:
            self._refuse()
            return
        if self._is_closed and segment.data:
            self._reset()
            return
        self.accept()
        self._answer(partial(TcpEnd.heard, number=segment.number))
        self.progress.last_heard_at = _now()
        if segment.number >= self._next:
            self._early[segment.number] = segment
        while (ready := self._early.pop(self._next, None)) is not None and not self._is_over:
            self._next += 1
            self._take_in(ready)
        self._end_if_done()

    def heard(self, *, number: int) -> None:
        """The other end has this segment."""
        if not self._is_over:
            self.progress.last_heard_at = _now()
            self.progress.has_timed_out = False
            self.sending.heard(number)
            self._end_if_done()

    def was_refused(self) -> None:
        """The other host knows of no such connection."""
        self._break(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))

    def _take_in(self, segment: Segment) -> None:
        cut_bytes = self._cut_at(len(segment.data)) if segment.data else None
        if data := segment.data[:cut_bytes]:
            self._unread.append(data)
            self._unread_bytes += len(data)
            self._hand_over()
        if cut_bytes is not None:
            for end in (self, self._peer):
                if end is not None:
                    end.was_refused()
        elif segment.is_last:
            self._has_heard_end = True
            self._hand_over()

    def _hand_over(self) -> None:
        while self._reads and self._unread and self.receiver is not None:
            data = self._unread.popleft()
            self._unread_bytes -= len(data)
            self.receiver.data_came(data)
        if not self._reads or self._unread:
            return
        if self._has_heard_end and not self._end_is_told and self.receiver is not None:
            self._end_is_told = True
            self.receiver.end_came()
        if self._broke_by is not None:
            self._tell_broken(self._broke_by)

    def _go_on(self) -> None:
        self._hand_over()
        if self._peer is not None:
            self._peer.sending.pump()

    # How it ends.

    def _answer(self, tell: Callable[[TcpEnd], None]) -> None:
        """With a packet of headers alone."""
        peer, way = self._peer, self.way()
        if peer is not None and way is not None:
            way.carry(HEADERS_BYTES, b"", lambda _: tell(peer))

    def _reset(self) -> None:
        self._refuse()
        self._end()

    def _refuse(self) -> None:
        if self.wires.runs(self.leg.host):
            self._answer(TcpEnd.was_refused)

    def _break(self, error: OSError) -> None:
        if self._is_over:
            return
        self._end()
        if self._unread:
            self._broke_by = error  # What came before is read first, as a kernel has it.
        else:
            self._tell_broken(error)

    def _tell_broken(self, error: OSError) -> None:
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            receiver.broke(error)

    def _end_if_done(self) -> None:
        if self._is_closed and self._has_heard_end and self.sending.is_done:
            self._end()

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self.sending.end()
            self.on_over()


def _now() -> float:
    return asyncio.get_running_loop().time()
