"""How two ends come to agree on what each holds: the comparison of cuts, and what it does to custody.

A recording of a dialer's first flight can be played again, so the listener draws its conclusions at once but
acts on them only when the dialer is proven to speak now.
"""

from __future__ import annotations

from protocol.frames import DigestAsk, DigestTell, Greeting
from protocol.hello import Account, Hello
from protocol.ids import Incarnation
from protocol.ranges import RangeSet

from ..ports import SessionView
from .effects import Digest, MarkLost, MarkStored, NoteForeign, PeerDigest, Renew
from .errors import RemoteError
from .events import BundlesLost, ForkSeen, PeerProven, RolledBackSeen
from .greeting import SessionTerms
from .outlet import Outlet
from .reconcile import DIFFERING_SETS_MAX, Comparison, Cut, Verdict, peer_suspicion
from .salutation import Salutation
from .sender import Sender
from .settling import FullComparison
from .states import Role


class Accord:
    """From custody's view and the peer's hello to cuts that both sides believe."""

    def __init__(self, role: Role, terms: SessionTerms, outlet: Outlet, sender: Sender) -> None:
        self.agreed = False
        """Custody follows the peer's word from here on."""
        self.compared: FullComparison | None = None
        """What came of the comparison, if both had said everything."""
        self._outlet = outlet
        self._sender = sender
        self._salutation = Salutation(role, terms, outlet)
        self._view: SessionView | None = None
        self._comparison: Comparison | None = None
        self._verdict: Verdict | None = None
        self._suspicion: str | None = None
        """Why the peer's store looks restored or copied."""
        self._is_taken_in = False
        self._is_executed = False
        self._is_proven = False
        self._answers_owed = 0
        self._notes_owed = 0

    @property
    def is_noting(self) -> bool:
        """What is to be asked back is being noted: whoever says that nothing is left must wait for it."""
        return self._notes_owed > 0

    @property
    def has_greeted(self) -> bool:
        """Our hello is written."""
        return self._salutation.has_greeted

    @property
    def peer(self) -> Hello | None:
        """The peer's hello, as far as it was said."""
        return self._salutation.peer

    @property
    def may_send(self) -> bool:
        """Whether our numbers are ours to use, as far as anybody knows yet."""
        if not self.has_greeted:
            return False
        return self.peer is None or self.agreed or (self._verdict is not None and self._verdict.harmless)

    @property
    def owes_custody(self) -> bool:
        """Custody has something to learn once the peer is proven to speak now."""
        verdict = self._verdict
        if verdict is None:
            return True
        if self.compared is not None and (self.compared.view.promised or self.compared.settlement):
            return not self.agreed
        return not self.agreed and not (verdict.harmless and not verdict.stored.spans and not verdict.foreign)

    def sound(self, incarnation: Incarnation, sequences: RangeSet) -> RangeSet:
        """Those of the numbers by which both sides are known to mean the same bundles."""
        differing = [
            cut.sequences.spans[0][0]
            for cut in (self._verdict.differing if self._verdict is not None else ())
            if cut.incarnation == incarnation
        ]
        return sequences.below(min(differing)) if differing else sequences

    def open(self, view: SessionView) -> None:
        """Custody is open: greet once its digests are there."""
        self._view = view
        self._sender.open(view)
        self._salutation.open(view)
        self._take_in()

    def hear_greeting(self, frame: Greeting) -> None:
        """The peer greets."""
        self._salutation.hear(frame)
        self._take_in()  # Before any receipt behind it: those tell more than the hello.

    def hear_account(self, frame: Account) -> None:
        """The dialer says what its hail left out."""
        self._salutation.hear_account(frame)
        self._take_in()

    def hear_ask(self, frame: DigestAsk) -> None:
        """The peer compares."""
        self._answers_owed += 1
        if not self.has_greeted or self._answers_owed > DIFFERING_SETS_MAX:
            raise RemoteError("the peer asks for more comparisons than it can have use for")
        self._outlet.want(PeerDigest(frame.incarnation, frame.sequences))

    def hear_tell(self, frame: DigestTell) -> None:
        """The peer's answer."""
        if self._comparison is not None:
            self._comparison.answered_theirs(Cut(frame.incarnation, frame.sequences), frame.digest)

    def summed(self, question: Digest | PeerDigest, digest: int) -> None:
        """Custody's answer: for our hello, for the peer, or for the comparison."""
        if self._salutation.answered(question, digest):
            self._take_in()
        elif isinstance(question, PeerDigest):
            self._answers_owed -= 1
            self._outlet.write(DigestTell(question.incarnation, question.sequences, digest))
        elif self._comparison is not None:
            self._comparison.answered_ours(Cut(question.incarnation, question.sequences), digest)

    def foreign_noted(self) -> None:
        """Custody knows of one more incarnation what to ask for."""
        self._notes_owed -= 1

    def renewed(self, view: SessionView) -> None:
        """Custody began a new incarnation."""
        self._sender.restart(view)
        self._agree()

    def pump(self, now: float, *, peer_is_fresh: bool) -> None:
        """Whatever the new situation allows."""
        if peer_is_fresh and not self._is_proven and self.peer is not None:
            self._is_proven = True
            self._outlet.tell(PeerProven())
        if self._comparison is None:
            self._begin_comparison()
        if self._comparison is None:
            return
        ours, theirs = self._comparison.questions()
        for question in ours:
            self._outlet.want(question)
        for ask in theirs:
            self._outlet.write(ask)
        if self._comparison.done and self._verdict is None:
            verdict = self._comparison.verdict()
            self._conclude(verdict)
            self._sender.claim(verdict.stored, now)
        if self._verdict is not None and peer_is_fresh and not self._is_executed:
            self._is_executed = True
            self._execute(self._verdict)

    def _take_in(self) -> None:
        """The peer's hello, once it is known in full."""
        known = self._salutation.known
        if known is not None and self._view is not None and not self._is_taken_in:
            self._is_taken_in = True
            self._sender.hear_hello(known)

    def _begin_comparison(self) -> None:
        view, peer = self._view, self._salutation.known
        if view is None or peer is None or not self.has_greeted:
            return
        self._comparison = Comparison(
            view, self._salutation.summed, peer, past_is_settled=self._salutation.was_short
        )
        self._suspicion = peer_suspicion(peer, view.received)

    def _conclude(self, verdict: Verdict) -> None:
        self._verdict = verdict
        peer = self._salutation.known
        if self._view is not None and peer is not None and not self._salutation.was_short:
            self.compared = FullComparison(view=self._view, peer=peer, verdict=verdict)

    def _execute(self, verdict: Verdict) -> None:
        """Let custody follow; the order matters, since a renewal numbers anew whatever is pending by then.
        What is to be asked back must outlive it."""
        if self.peer is not None and self._suspicion is not None:
            # Not before: an old hello that is played again looks like a store that was rolled back.
            self._outlet.tell(ForkSeen(self.peer.incarnation, ours=False, reason=self._suspicion))
        self._notes_owed = len(verdict.foreign)
        for cut in verdict.foreign:
            self._outlet.want(NoteForeign(cut.incarnation, cut.sequences))
            self._outlet.tell(RolledBackSeen(cut.incarnation, cut.sequences))
        if verdict.renewal is None:
            self._agree()
        elif verdict.stored.spans:
            self._outlet.want(MarkStored(verdict.stored))
        for cut in verdict.lost:
            self._outlet.want(MarkLost(cut.incarnation, cut.sequences))
            self._outlet.tell(BundlesLost(cut.incarnation, cut.sequences))
        if verdict.renewal is not None and self._view is not None:
            self._outlet.want(Renew(verdict.renewal))
            self._outlet.tell(ForkSeen(self._view.incarnation, ours=True, reason=verdict.renewal))
        elif verdict.lost:
            self._sender.custody_moved()

    def _agree(self) -> None:
        self.agreed = True
        self._sender.trust()
