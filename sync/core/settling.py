"""How two ends come to greet in short again after a restore: what they agree on of lives that ended.

Law: what was settled is noted only when both have said everything, nothing of it differs, is lost or foreign,
and the peer has promised anew, in this session, all that it ever promised. A peer that forgets a promise, or
what it held, makes another sum; then everything is said, and asked for, again.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.hello import Hello
from protocol.ids import Incarnation
from protocol.past import PastLife, past_digest
from protocol.ranges import RangeSet

from ..ports import SessionView, Settlement
from .effects import NoteSettled
from .outlet import Outlet
from .reconcile import Verdict, numbers_of
from .restitution import Restitution

_NOTHING = RangeSet()


@dataclass(frozen=True, slots=True, kw_only=True)
class FullComparison:
    """What came of one for which both said everything."""

    view: SessionView
    peer: Hello
    verdict: Verdict

    @property
    def settlement(self) -> Settlement | None:
        """What is to be noted; None if something is open, or there is nothing to note that is not known."""
        view, verdict = self.view, self.verdict
        is_open = verdict.lost or verdict.foreign or verdict.renewal is not None or view.foreign
        if is_open or (never_parted(view, self.peer.incarnation) and not self._past):
            return None
        settled = Settlement(peer_incarnation=self.peer.incarnation, past=self._past)
        return settled if settled != view.settlement else None

    @property
    def _past(self) -> int:
        """What the peer has of our former lives, as the peer sums it up."""
        return past_digest(
            PastLife(
                incarnation=told.incarnation,
                held=told.held if told.incarnation != self.view.incarnation else _NOTHING,
                digest=told.digest if told.incarnation != self.view.incarnation else 0,
                owed=numbers_of(self.view.promised, told.incarnation) & told.held,
            )
            for told in self.peer.views
        )


def never_parted(view: SessionView, peer_life: Incarnation) -> bool:
    """Whether, as far as is known here, both ends have had one life towards each other."""
    lives = {stream.incarnation for stream in view.received}
    return not (view.former or view.promised or view.owed or lives - {peer_life})


def past_of_peer(view: SessionView, peer_life: Incarnation) -> int:
    """What we have of the peer's former lives, and owe of any."""
    owing = {owed.incarnation for owed in view.owed}
    return past_digest(
        PastLife(
            incarnation=stream.incarnation,
            held=stream.held if stream.incarnation != peer_life else _NOTHING,
            digest=stream.digest if stream.incarnation != peer_life else 0,
            owed=numbers_of(view.owed, stream.incarnation),
        )
        for stream in view.received
        if stream.incarnation != peer_life or peer_life in owing
    )


class Settling:
    """What one session notes of former lives."""

    def __init__(self, outlet: Outlet, restitution: Restitution) -> None:
        self._outlet = outlet
        self._restitution = restitution
        self._is_judged = False
        self._due: Settlement | None = None

    def pump(self, compared: FullComparison | None) -> None:
        """The cuts agreed; None if all that is past was settled before."""
        if compared is not None and not self._is_judged:
            self._is_judged = True
            self._restitution.ask_again(compared.view.promised, compared.view.generation)
            self._due = compared.settlement
        if self._due is not None and self._restitution.all_is_promised:
            self._outlet.want(NoteSettled(self._due))
            self._due = None
