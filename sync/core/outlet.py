"""Where the parts of a session put what they want done, sent and known."""

from __future__ import annotations

from protocol.frames import Bye, Frame

from .effects import Effect, Persist
from .events import Event
from .wire import Wire


class Outlet:
    """Three queues, in order of being put."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.outstanding = 0
        """Effects handed to the driver and not yet completed."""
        self._effects: list[Effect] = []
        self._events: list[Event] = []
        self._closed = False

    @property
    def may_speak(self) -> bool:
        """Nothing written must wait for custody: what still has to be made durable is receipted later.
        Without this, a peer that never pauses would never be answered."""
        return not self._effects or all(isinstance(effect, Persist) for effect in self._effects)

    @property
    def settled(self) -> bool:
        """Whether custody has done all it was asked."""
        return not self._effects and not self.outstanding

    def want(self, effect: Effect) -> None:
        """Ask custody for something."""
        self._effects.append(effect)

    def tell(self, event: Event) -> None:
        """Let whoever watches know."""
        self._events.append(event)

    def write(self, frame: Frame) -> None:
        """Send a frame to the peer; after goodbye nothing is sent."""
        if not self._closed:
            self.wire.write(frame)
        self._closed |= isinstance(frame, Bye)

    def close(self) -> None:
        """The peer will not read any more."""
        self._closed = True
        self.wire.discard()

    def take_effects(self) -> list[Effect]:
        """Hand over what custody shall do."""
        effects, self._effects = self._effects, []
        self.outstanding += len(effects)
        return effects

    def take_events(self) -> list[Event]:
        """Hand over what happened."""
        events, self._events = self._events, []
        return events
