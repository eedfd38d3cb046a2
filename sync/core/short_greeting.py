"""How two ends that know each other greet in few bytes: who may hail, and who can answer a hail.

Law: a listener answers in short only when the sum of the hail is that of what its own custody holds; in any
other case both say everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocol.hello import HELLO_PARTIALS_MAX, Hello, Manner, StreamView
from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet
from protocol.short_hello import Answer, Hail, Unfinished, last_of, minutes_of, total_of

from ..ports import PartialBundle, ReceivedStream, SessionView
from .effects import Digest, PeerDigest
from .greeting import Digests, SessionTerms, told_spans


class Hailing:
    """A dialer's short hello."""

    def __init__(self, view: SessionView, terms: SessionTerms) -> None:
        self.summed = view.stored
        """Those of our numbers that `own_digest` is over."""
        self._view = view
        self._terms = terms
        self._own = Digest(view.incarnation, view.stored)
        self._held = next(iter(view.received), None)
        self.digests = Digests([self._own])

    @staticmethod
    def suits(view: SessionView) -> bool:
        """Whether each side has had one incarnation only, as far as we know, and both sets fit a frame."""
        lives = {partial.offer.incarnation for partial in view.partials}
        held = view.received[0].held if view.received else RangeSet()
        return (
            not view.former
            and len(view.received) <= 1
            and lives <= {stream.incarnation for stream in view.received}
            and last_of(view.stored) <= view.sequence_max
            and max(len(view.stored.spans), len(held.spans)) <= RANGES_MAX
        )

    @property
    def own_digest(self) -> int:
        """Over those of our bundles that the peer is known to hold."""
        return self.digests.of(self._own)

    def frame(self) -> Hail:
        """The complete frame."""
        view, held = self._view, self._held
        return Hail(
            generation=view.generation,
            incarnation=view.incarnation,
            stored=view.stored,
            sequence_max=view.sequence_max,
            held=held.held if held is not None else RangeSet(),
            total=total_of(
                self.own_digest,
                held.digest if held is not None else 0,
                held.incarnation if held is not None and held.held.spans else None,
            ),
            partials=_unfinished(view.partials),
            credit_bytes=self._terms.credit_bytes,
            minutes=minutes_of(self._terms.wall_s),
            manner=_manner_of(self._terms),
        )

    def hello_of(self, answer: Answer) -> Hello:
        """What the listener's short hello stands for; `MalformedInput` if it cannot follow ours."""
        held = self._held
        known = StreamView(held.incarnation, held.held, held.digest) if held is not None else None
        return answer.hello(self.frame(), stored_digest=self.own_digest, held=known)


class Hailed:
    """A listener's view of a hail: whether it can be answered in short."""

    def __init__(self, view: SessionView, terms: SessionTerms, hail: Hail) -> None:
        self.summed = hail.held
        """Those of our numbers that `own_digest` is over."""
        self._view = view
        self._terms = terms
        self._hail = hail
        nothing = ReceivedStream(incarnation=hail.incarnation, held=RangeSet(), digest=0)
        self._here = next(
            (stream for stream in view.received if stream.incarnation == hail.incarnation), nothing
        )
        self._own = Digest(view.incarnation, hail.held)
        self._theirs = PeerDigest(hail.incarnation, hail.stored)
        self.digests = Digests([self._own, self._theirs] if self._may_agree else [])

    @property
    def own_digest(self) -> int:
        """Over those of our bundles that the dialer says it holds."""
        return self.digests.of(self._own)

    @property
    def is_confirmed(self) -> bool:
        """Once all was answered: both hold what the dialer says, and one stream is all there is to tell."""
        if not self._may_agree:
            return False
        life = self._view.incarnation if self._hail.held.spans else None
        return total_of(self.digests.of(self._theirs), self.own_digest, life) == self._hail.total

    def peer(self) -> Hello:
        """What the hail stands for, once it is confirmed."""
        hail, ours = self._hail, self._view.incarnation
        is_listed = hail.held.spans or hail.partials
        return hail.hello(
            self._here.digest,
            (StreamView(ours, hail.held, self.own_digest),) if is_listed else (),
            tuple([partial.of(ours) for partial in hail.partials]),
        )

    def frame(self) -> Answer:
        """The complete frame."""
        view, hail, here = self._view, self._hail, self._here
        return Answer(
            incarnation=None if hail.held.spans else view.incarnation,
            sequences_ahead=view.sequence_max - last_of(hail.held),
            minutes_ahead=minutes_of(self._terms.wall_s) - hail.minutes,
            otherwise=None if here.held == hail.stored else (here.held, here.digest),
            partials=_unfinished(view.partials),
            credit_bytes=self._terms.credit_bytes,
            manner=_manner_of(self._terms),
        )

    @property
    def _may_agree(self) -> bool:
        view, hail = self._view, self._hail
        lives: set[Incarnation] = {stream.incarnation for stream in view.received}
        lives |= {partial.offer.incarnation for partial in view.partials}
        return (
            lives <= {hail.incarnation}
            and not (hail.stored - self._here.held).spans
            and last_of(hail.held) <= view.sequence_max
            and len(self._here.held.spans) <= RANGES_MAX
        )


def _manner_of(terms: SessionTerms) -> Manner:
    return Manner(terms.certainty, terms.stays_open, terms.floor)


def _unfinished(partials: Iterable[PartialBundle]) -> tuple[Unfinished, ...]:
    listed = [
        Unfinished(partial.offer.sequence, partial.offer.seal_tag, told_spans(partial.held))
        for partial in partials
    ]
    return tuple(listed[:HELLO_PARTIALS_MAX])
