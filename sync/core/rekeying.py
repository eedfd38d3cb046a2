"""Bundles that lie at their destination and cannot be opened there: asking for a new seal, and being asked.

Asking is no receipt and moves no custody, so it waits for no agreement about cuts; but it proves nothing in a
recording either, so it waits for the peer's hello.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.advice import Rekey
from protocol.ids import Incarnation

from ..ports import REKEYS_MAX, UnopenedBundle
from .effects import LookUnopened, NoteRekey
from .errors import RemoteError
from .events import RekeyAsked
from .outlet import Outlet


class Rekeying:
    """What one session says and hears of keys that are gone."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._must_look = True
        self._is_looking = False
        self._said: set[Rekey] = set()
        self._heard: set[tuple[Incarnation, int]] = set()

    @property
    def idle(self) -> bool:
        """Nothing is being looked up: whoever says that it has nothing left may mean it."""
        return not self._is_looking

    def custody_moved(self) -> None:
        """One more bundle may have turned out not to open."""
        self._must_look = True

    def pump(self) -> None:
        """Look, if there may be something; the peer is known by now."""
        if self._must_look and not self._is_looking and len(self._said) < REKEYS_MAX:
            self._must_look, self._is_looking = False, True
            self._outlet.want(LookUnopened())

    def found(self, bundles: Sequence[UnopenedBundle]) -> None:
        """Ask for each once a session; the next one asks for what is left."""
        self._is_looking = False
        for bundle in bundles:
            frame = Rekey(bundle.incarnation, bundle.sequence, bundle.recipient_key)
            if frame not in self._said and len(self._said) < REKEYS_MAX:
                self._said.add(frame)
                self._outlet.write(frame)

    def hear(self, frame: Rekey) -> None:
        """The peer asks; a repetition is passed over, more than an honest one ever asks is a fault."""
        number = (frame.incarnation, frame.sequence)
        if number in self._heard:
            return
        if len(self._heard) >= REKEYS_MAX:
            raise RemoteError(f"the peer asks for more than {REKEYS_MAX} new seals at once")
        self._heard.add(number)
        self._outlet.want(NoteRekey(frame.incarnation, frame.sequence, frame.recipient_key))

    def noted(self, effect: NoteRekey) -> None:
        """Custody has it: whoever seals may look there now."""
        self._outlet.tell(RekeyAsked(effect.incarnation, effect.sequence, effect.recipient_key))
