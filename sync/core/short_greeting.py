"""How two ends that know each other greet in few bytes: who may hail, and who can answer a hail.

Law: a listener answers in short only when the sum of the hail is that of what its own custody holds; in any
other case both say everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.hello import HELLO_PARTIALS_MAX, Hello, Manner, StreamView
from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet
from protocol.short_hello import Answer, Hail, Unfinished, last_of, minutes_of, total_of

from ..ports import PartialBundle, ReceivedStream, SessionView
from .effects import Digest, PeerDigest
from .greeting import Digests, SessionTerms, told_spans
from .settling import never_parted, past_of_peer

NOBODY: Final = Incarnation(b"")


class Hailing:
    """A dialer's short hello."""

    def __init__(self, view: SessionView, terms: SessionTerms) -> None:
        self.summed = view.stored
        """Those of our numbers that `own_digest` is over."""
        self._view = view
        self._terms = terms
        self._own = Digest(view.incarnation, view.stored)
        latest = view.received[0].incarnation if view.received else None
        self._peer_life = view.settlement.peer_incarnation if view.settlement is not None else latest
        self._held = next((each for each in view.received if each.incarnation == self._peer_life), None)
        self.digests = Digests([self._own])

    @staticmethod
    def suits(view: SessionView) -> bool:
        """Whether each side has had one incarnation only, or all others are settled, as far as we know; and
        both sets fit a frame."""
        settled = view.settlement
        lives = {stream.incarnation for stream in view.received}
        begun = {partial.offer.incarnation for partial in view.partials}
        has_one_life = len(lives) <= 1 and begun <= lives and never_parted(view, *lives or (NOBODY,))
        spans_max = max((len(each.held.spans) for each in view.received), default=0)
        return (
            (settled is not None or has_one_life)
            and last_of(view.stored) <= view.sequence_max
            and max(len(view.stored.spans), spans_max) <= RANGES_MAX
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
                dialers_past=view.settlement.past if view.settlement is not None else 0,
                listeners_past=past_of_peer(view, self._peer_life) if self._peer_life is not None else 0,
            ),
            partials=_unfinished(view.partials, self._peer_life),
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
        view, hail = self._view, self._hail
        total = total_of(
            self.digests.of(self._theirs),
            self.own_digest,
            view.incarnation if hail.held.spans else None,
            dialers_past=past_of_peer(view, hail.incarnation),
            listeners_past=view.settlement.past if view.settlement is not None else 0,
        )
        return total == hail.total

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
            partials=_unfinished(view.partials, hail.incarnation),
            credit_bytes=self._terms.credit_bytes,
            manner=_manner_of(self._terms),
        )

    @property
    def _may_agree(self) -> bool:
        view, hail, settled = self._view, self._hail, self._view.settlement
        is_settled = settled is not None and settled.peer_incarnation == hail.incarnation
        return (
            (is_settled if settled is not None else never_parted(view, hail.incarnation))
            and not (hail.stored - self._here.held).spans
            and last_of(hail.held) <= view.sequence_max
            and len(self._here.held.spans) <= RANGES_MAX
        )


def _manner_of(terms: SessionTerms) -> Manner:
    return Manner(terms.certainty, terms.stays_open, terms.floor)


def _unfinished(partials: Iterable[PartialBundle], life: Incarnation | None) -> tuple[Unfinished, ...]:
    """Those of the peer's present incarnation; what was begun in another comes under another number."""
    listed = [
        Unfinished(partial.offer.sequence, partial.offer.seal_tag, told_spans(partial.held))
        for partial in partials
        if partial.offer.incarnation == life
    ]
    return tuple(listed[:HELLO_PARTIALS_MAX])
