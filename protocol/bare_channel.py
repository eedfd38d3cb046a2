"""The channel of a session whose link itself seals what it carries: frames as they are, with their phase.

Law: one message is one octet that tells the phase, and whole frames of that phase.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .channel import Opened, Phase
from .errors import MalformedInput

_PHASES: Final = {0: Phase.EARLY, 1: Phase.FRESH}


def encode_message(phase: Phase, frames: bytes) -> bytes:
    """What a link hands to its session."""
    return bytes((phase is Phase.FRESH,)) + frames


class BareChannel:
    """Seals nothing: the link below has opened what comes and will seal what goes."""

    greeting: Final = b""

    def seal(self, plaintext: bytes) -> bytes:
        """The frames themselves."""
        return plaintext

    def receive(self, data: bytes) -> Iterator[Opened]:
        """The frames of one message, nothing at the end of the link; `MalformedInput` for what is none."""
        if not data:
            return
        phase = _PHASES.get(data[0])
        if phase is None or len(data) == 1:
            raise MalformedInput("a link delivered something that is no message")
        yield Opened(phase, data[1:])
