"""How two ends come to agree on what each holds: hellos, the comparison of cuts, and what it does to custody.

A recording of a dialer's first flight can be played again, so the listener draws its conclusions at once but
acts on them only when the dialer is proven to speak now.
"""

from __future__ import annotations

from protocol.frames import DigestAsk, DigestTell
from protocol.hello import Hello
from protocol.ids import Incarnation
from protocol.ranges import RangeSet

from ..ports import SessionView
from .effects import Digest, MarkLost, MarkStored, NoteForeign, PeerDigest, Renew
from .errors import RemoteError
from .events import BundlesLost, ForkSeen, PeerGreeted, RolledBackSeen
from .greeting import Greeting, SessionTerms
from .outlet import Outlet
from .reconcile import DIFFERING_SETS_MAX, Comparison, Cut, Verdict, peer_suspicion
from .sender import Sender


class Accord:
    """From custody's view and the peer's hello to cuts that both sides believe."""

    def __init__(self, terms: SessionTerms, outlet: Outlet, sender: Sender) -> None:
        self.has_greeted = False
        self.agreed = False
        """Custody follows the peer's word from here on."""
        self.peer: Hello | None = None
        self._terms = terms
        self._outlet = outlet
        self._sender = sender
        self._view: SessionView | None = None
        self._greeting: Greeting | None = None
        self._comparison: Comparison | None = None
        self._verdict: Verdict | None = None
        self._suspicion: str | None = None
        """Why the peer's store looks restored or copied."""
        self._is_executed = False
        self._answers_owed = 0

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
        if self.peer is not None:
            self._sender.hear_hello(self.peer)
        self._greeting = Greeting(view, self._terms)
        questions = self._greeting.questions()
        for question in questions:
            self._outlet.want(question)
        if not questions:
            self._greet(self._greeting)

    def hear_hello(self, hello: Hello) -> None:
        """The peer greets."""
        self.peer = hello
        if self._view is not None:
            self._sender.hear_hello(hello)  # Before any receipt behind it: those tell more than the hello.
        self._outlet.tell(
            PeerGreeted(
                generation=hello.generation,
                incarnation=hello.incarnation,
                wall_s=hello.wall_s,
                certainty=hello.certainty,
                stays_open=hello.stays_open,
            )
        )

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
        if self._greeting is not None and not self.has_greeted:
            if self._greeting.answered(question, digest):
                self._greet(self._greeting)
        elif isinstance(question, PeerDigest):
            self._answers_owed -= 1
            self._outlet.write(DigestTell(question.incarnation, question.sequences, digest))
        elif self._comparison is not None:
            self._comparison.answered_ours(Cut(question.incarnation, question.sequences), digest)

    def renewed(self, view: SessionView) -> None:
        """Custody began a new incarnation."""
        self._sender.restart(view)
        self._agree()

    def pump(self, now: float, *, peer_is_fresh: bool) -> None:
        """Whatever the new situation allows."""
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
            self._verdict = self._comparison.verdict()
            self._sender.claim(self._verdict.stored, now)
        if self._verdict is not None and peer_is_fresh and not self._is_executed:
            self._is_executed = True
            self._execute(self._verdict)

    def _greet(self, greeting: Greeting) -> None:
        self.has_greeted = True
        self._outlet.write(greeting.hello())

    def _begin_comparison(self) -> None:
        view, peer, greeting = self._view, self.peer, self._greeting
        if view is None or peer is None or greeting is None or not self.has_greeted:
            return
        self._comparison = Comparison(view, greeting.own_digest, peer)
        self._suspicion = peer_suspicion(peer, view.received)

    def _execute(self, verdict: Verdict) -> None:
        """Let custody follow; the order matters, since a renewal numbers anew whatever is pending by then.
        What is to be asked back must outlive it."""
        if self.peer is not None and self._suspicion is not None:
            # Not before: an old hello that is played again looks like a store that was rolled back.
            self._outlet.tell(ForkSeen(self.peer.incarnation, ours=False, reason=self._suspicion))
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
            self._sender.look()

    def _agree(self) -> None:
        self.agreed = True
        self._sender.trust()
