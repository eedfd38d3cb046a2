"""How two ends greet: in short where they know each other, else in full; what the peer's greeting stands for.

    dialer                                    listener
    HAIL                   ---------------->
                           <----------------  ANSWER: the sums are the same
    or                     <----------------  HELLO: they are not, or there is more to tell
    ACCOUNT                ---------------->
    HELLO                  ---------------->  by a dialer of more than one stream
                           <----------------  HELLO

Law: until an account has come, nothing that a hail sums up counts, unless it was confirmed.
"""

from __future__ import annotations

from protocol.frames import Greeting as GreetingFrame
from protocol.hello import Account, Hello
from protocol.ranges import RangeSet
from protocol.short_hello import Answer, Hail

from ..ports import SessionView
from .effects import Digest, PeerDigest
from .errors import RemoteError
from .events import PeerGreeted
from .greeting import Greeting, SessionTerms
from .outlet import Outlet
from .short_greeting import Hailed, Hailing
from .states import Role

OUT_OF_TURN = "the peer greeted as only the other end may, or answered a hail that was none"


class Salutation:
    """The greetings of one session."""

    def __init__(self, role: Role, terms: SessionTerms, outlet: Outlet) -> None:
        self.has_greeted = False
        self.peer: Hello | None = None
        """The peer's hello; before all of it is known, without what it holds."""
        self.known: Hello | None = None
        """The same, once all of it is."""
        self._role = role
        self._terms = terms
        self._outlet = outlet
        self._view: SessionView | None = None
        self._hail: Hail | None = None
        self._greeting: Greeting | Hailing | Hailed | None = None
        self._is_answered = False
        self._account: Greeting | None = None
        """What a hail of ours left out, while it is being summed up."""

    @property
    def was_short(self) -> bool:
        """A hail was confirmed: of lives that ended nothing was said, since both mean the same of them."""
        if isinstance(self._greeting, Hailed):
            return self._greeting.is_confirmed
        return isinstance(self._greeting, Hailing) and self._is_answered

    @property
    def summed(self) -> tuple[RangeSet, int]:
        """Numbers of ours, and the digest over them that our greeting needed."""
        greeting = self._greeting
        return (greeting.summed, greeting.own_digest) if greeting is not None else (RangeSet(), 0)

    def open(self, view: SessionView) -> None:
        """Custody is open: greet once the digests are there."""
        self._view = view
        if self._hail is not None:
            self._prepare(Hailed(view, self._terms, self._hail))
        elif self._role is Role.DIALER and Hailing.suits(view):
            self._prepare(Hailing(view, self._terms))
        else:
            self._prepare(Greeting(view, self._terms))

    def hear(self, frame: GreetingFrame) -> None:
        """The peer greets; `RemoteError` or `MalformedInput` for what cannot follow what we said."""
        match frame, self._greeting:
            case Hello(), Hailing():
                self._know(frame)
                self._give_account()
            case Hello(), _:
                self._know(frame)
            case Hail(), _ if self._role is Role.LISTENER:
                self._hail = frame
                self.peer = frame.hello(0, (), ())
            case Answer(), Hailing() as hailing:
                self._is_answered = True
                self._know(hailing.hello_of(frame))
            case _:
                raise RemoteError(OUT_OF_TURN)
        if (peer := self.peer) is not None:
            self._outlet.tell(
                PeerGreeted(
                    generation=peer.generation,
                    incarnation=peer.incarnation,
                    wall_s=peer.wall_s,
                    certainty=peer.certainty,
                    stays_open=peer.stays_open,
                )
            )

    def hear_account(self, frame: Account) -> None:
        """What a hail left out; said twice, or to nobody, it changes nothing."""
        if self._hail is not None and self.has_greeted and self.known is None:
            self._know(self._hail.hello(frame.digest, frame.views, frame.partials))

    def answered(self, question: Digest | PeerDigest, digest: int) -> bool:
        """Custody's answer; whether it was for our greeting."""
        if self._account is not None:
            self._account.digests.answered(question, digest)
            self._give_account()
        if self.has_greeted or self._greeting is None:
            return False
        self._greeting.digests.answered(question, digest)
        self._greet(self._greeting)
        return True

    # Inside.

    def _know(self, hello: Hello) -> None:
        self.peer = self.known = hello

    def _prepare(self, greeting: Greeting | Hailing | Hailed) -> None:
        self._greeting = greeting
        for question in greeting.digests.questions:
            self._outlet.want(question)
        self._greet(greeting)

    def _greet(self, greeting: Greeting | Hailing | Hailed) -> None:
        if not greeting.digests.complete:
            return
        if isinstance(greeting, Hailed):
            if not greeting.is_confirmed:
                if self._view is not None:
                    self._prepare(Greeting(self._view, self._terms))
                return
            self._know(greeting.peer())
        self.has_greeted = True
        self._outlet.write(greeting.frame())

    def _give_account(self) -> None:
        if self._account is None and self._view is not None:
            self._account = Greeting(self._view, self._terms)
            for question in self._account.digests.questions:
                self._outlet.want(question)
        if self._account is not None and self._account.digests.complete:
            self._outlet.write(self._account.account())
            self._account = None
