"""Our hello in full: what custody's view says, within the bounds of one frame and with digests over what it
lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from protocol.hello import (
    HELLO_PARTIAL_SPANS_MAX,
    HELLO_PARTIALS_MAX,
    HELLO_STREAMS_MAX,
    Account,
    Hello,
    PartialView,
    StreamView,
)
from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet
from protocol.short_hello import USUAL_CREDIT_BYTES
from protocol.stamps import Certainty

from ..ports import PartialBundle, SessionView
from .effects import Digest, PeerDigest

CREDIT_BYTES: Final = USUAL_CREDIT_BYTES
"""What a peer may send us ahead of receipts, and the most memory that a session can be made to hold.

Twice what a 10 Mbit/s satellite link holds, and a round trip more: behind each lost packet all wait."""

EMERGENCY_BYTES_MAX: Final = 64 * 1024
"""What one end sends of emergencies, in one session, to a peer that takes nothing else over this link: dozens
of texts, and no photograph that somebody has labelled so. What is beyond counts as urgent, and waits."""
EMERGENCY_BYTES_BORNE_MAX: Final = 2 * EMERGENCY_BYTES_MAX
"""What such a peer bears: an honest end may be mistaken about which bytes of a bundle have landed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerms:
    """What our side of a session is willing to do, and what its clock says."""

    stays_open: bool = False
    """Keep the session when nothing is left to send; it stays open only if both sides want it."""
    credit_bytes: int = CREDIT_BYTES
    wall_s: int = 0
    certainty: Certainty = Certainty.UNSET
    floor: Priority = Priority.BULK
    """The least urgent class that may go over this link; the peer keeps to it too. What is below waits."""


def listed(held: RangeSet) -> RangeSet:
    """As much of a set as one frame lists; what is beyond counts as not said."""
    return RangeSet(held.spans[:RANGES_MAX])


class Digests:
    """What a greeting has to ask custody first, and the answers."""

    def __init__(self, questions: Iterable[Digest | PeerDigest]) -> None:
        self.questions = [question for question in questions if question.sequences.spans]
        self._answers: dict[Digest | PeerDigest, int] = {}

    @property
    def complete(self) -> bool:
        """Whether all was answered."""
        return all(question in self._answers for question in self.questions)

    def answered(self, question: Digest | PeerDigest, digest: int) -> None:
        """Custody's answer, perhaps to somebody else."""
        self._answers[question] = digest

    def of(self, question: Digest | PeerDigest, default: int = 0) -> int:
        """The answer; nothing sums up to 0."""
        return self._answers.get(question, default)


class Greeting:
    """Our hello, and what may be said of it later."""

    def __init__(self, view: SessionView, terms: SessionTerms) -> None:
        self.summed = RangeSet.of([(1, view.sequence_max + 1)])
        """Those of our numbers that `own_digest` is over."""
        self._view = view
        self._terms = terms
        self._own = Digest(view.incarnation, self.summed)
        long = [stream for stream in view.received if len(stream.held.spans) > RANGES_MAX]
        self.digests = Digests(
            [self._own, *(PeerDigest(stream.incarnation, listed(stream.held)) for stream in long)]
        )

    @property
    def own_digest(self) -> int:
        """Over all our bundles of this incarnation."""
        return self.digests.of(self._own)

    def frame(self) -> Hello:
        """The complete frame."""
        view, terms = self._view, self._terms
        account = self.account()
        return Hello(
            generation=view.generation,
            incarnation=view.incarnation,
            sequence_max=view.sequence_max,
            digest=account.digest,
            views=account.views,
            partials=account.partials,
            credit_bytes=terms.credit_bytes,
            wall_s=terms.wall_s,
            certainty=terms.certainty,
            stays_open=terms.stays_open,
            floor=terms.floor,
        )

    def account(self) -> Account:
        """What of it a hail leaves out."""
        views = self._stream_views()
        lives = {stream.incarnation for stream in views}
        partials = [
            _partial_view(partial)
            for partial in self._view.partials[:HELLO_PARTIALS_MAX]
            if partial.offer.incarnation in lives
        ]
        return Account(self.own_digest, views, tuple(partials))

    def _stream_views(self) -> tuple[StreamView, ...]:
        """Streams with whole bundles, then those that have only unfinished ones."""
        views: dict[Incarnation, StreamView] = {}
        for stream in self._view.received:
            held = listed(stream.held)
            digest = self.digests.of(PeerDigest(stream.incarnation, held), stream.digest)
            views[stream.incarnation] = StreamView(stream.incarnation, held, digest)
        for partial in self._view.partials:
            life = partial.offer.incarnation
            views.setdefault(life, StreamView(life, RangeSet(), 0))
        return tuple(views.values())[:HELLO_STREAMS_MAX]


def told_spans(held: RangeSet) -> RangeSet:
    """As much of an unfinished bundle as a hello tells."""
    return RangeSet(held.spans[:HELLO_PARTIAL_SPANS_MAX])


def _partial_view(partial: PartialBundle) -> PartialView:
    offer = partial.offer
    return PartialView(offer.incarnation, offer.sequence, offer.seal_tag, told_spans(partial.held))
