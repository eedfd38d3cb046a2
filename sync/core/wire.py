"""The session's end of the channel: frames out, frames in, and how many bytes they took."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.advice import Await
from protocol.bare_channel import BareChannel
from protocol.channel import DialerChannel, ListenerChannel, Phase
from protocol.errors import MalformedInput
from protocol.frames import Data, Frame, Idle, Offer, Whole
from protocol.framing import FrameDecoder, encode_frame
from protocol.hello import Hello
from protocol.short_hello import Hail

from .errors import RemoteError

FRAMES_PER_RECORD_MAX = 4096
"""Many times what an honest sender has to say at once; a record of the smallest frames would hold 32,000."""
SessionChannel = DialerChannel | ListenerChannel | BareChannel
EARLY_FRAMES = (Hello, Hail, Offer, Whole, Data, Await, Idle)
"""What may stand in a first flight, which can be played again: hints and sealed bytes, no receipts."""


class Wire:
    """Frames over one channel."""

    def __init__(self, channel: SessionChannel) -> None:
        self.link_bytes_sent = 0
        self.link_bytes_received = 0
        self.frame_bytes_sent = 0
        self.frame_bytes_received = 0
        self.peer_is_fresh = False
        """Whether the peer has proven that it speaks now."""
        self._channel = channel
        self.link_carries_frames = isinstance(channel, BareChannel)
        """The link seals, repeats and paces what we say, and bridges gaps: it knows best how much to send."""
        self._greeting = channel.greeting
        self._decoder = FrameDecoder()
        self._early_was_cut = False
        self._written = bytearray()
        self.data_is_written = False
        """A chunk waits to be taken; the next is chosen after that, when more urgent ones may have come."""

    @property
    def frames_skipped(self) -> int:
        return self._decoder.skipped_count

    @property
    def flushed(self) -> bool:
        """Whether everything written was taken."""
        return not self._written and not self._greeting

    @property
    def has_written(self) -> bool:
        """Frames wait to be taken."""
        return bool(self._written)

    def write(self, frame: Frame) -> None:
        """Queue a frame."""
        self._written += encode_frame(frame)
        self.data_is_written |= isinstance(frame, Data | Whole)

    def take(self) -> bytes:
        """Everything queued, sealed for the link."""
        if not self._written:
            return b""  # A greeting alone would cost a packet, and another in return: it goes with words.
        self.frame_bytes_sent += len(self._written)
        data = self._greeting + self._channel.seal(bytes(self._written))
        self._greeting = b""
        self._written.clear()
        self.data_is_written = False
        self.link_bytes_sent += len(data)
        return data

    def discard(self) -> None:
        """Send nothing more."""
        self._greeting = b""
        self._written.clear()

    def receive(self, data: bytes) -> Iterator[Frame]:
        """The frames that these bytes complete."""
        self.link_bytes_received += len(data)
        for phase, plaintext in self._channel.receive(data):
            self.frame_bytes_received += len(plaintext)
            if phase is Phase.FRESH and self._early_was_cut:
                raise MalformedInput("the peer changed keys in the middle of a frame")
            self.peer_is_fresh |= phase is Phase.FRESH
            for index, frame in enumerate(self._decoder.feed(plaintext)):
                if index >= FRAMES_PER_RECORD_MAX:
                    raise RemoteError(
                        f"the peer put more than {FRAMES_PER_RECORD_MAX} frames into one record"
                    )
                if phase is Phase.EARLY and not isinstance(frame, EARLY_FRAMES):
                    raise RemoteError("the peer sent a receipt in a first flight, where it proves nothing")
                yield frame
            self._early_was_cut = phase is Phase.EARLY and not self._decoder.between_frames
