"""Our hello: what custody's view says, within the bounds of one frame and with digests over what it lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from protocol.hello import (
    HELLO_PARTIAL_SPANS_MAX,
    HELLO_PARTIALS_MAX,
    HELLO_STREAMS_MAX,
    Hello,
    PartialView,
    StreamView,
)
from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet
from protocol.stamps import Certainty

from ..ports import PartialBundle, SessionView
from .effects import Digest, PeerDigest

CREDIT_BYTES: Final = 3 * 1024 * 1024
"""What a peer may send us ahead of receipts, and the most memory that a session can be made to hold.

Twice what a 10 Mbit/s satellite link holds, and a round trip more: behind each lost packet all wait."""


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


class Greeting:
    """Collects the digests that our hello needs."""

    def __init__(self, view: SessionView, terms: SessionTerms) -> None:
        self._view = view
        self._terms = terms
        self._own = Digest(view.incarnation, RangeSet.of([(1, view.sequence_max + 1)]))
        self._long = [
            PeerDigest(stream.incarnation, listed(stream.held))
            for stream in view.received
            if len(stream.held.spans) > RANGES_MAX
        ]
        self._digests: dict[Digest | PeerDigest, int] = {}

    def questions(self) -> list[Digest | PeerDigest]:
        """What custody has to sum up first."""
        own = [self._own] if self._view.sequence_max else []
        return [*own, *self._long]

    def answered(self, question: Digest | PeerDigest, digest: int) -> bool:
        """Custody's answer; whether the hello is complete with it."""
        self._digests[question] = digest
        return all(asked in self._digests for asked in self.questions())

    @property
    def own_digest(self) -> int:
        """Over all our bundles of this incarnation."""
        return self._digests.get(self._own, 0)

    def hello(self) -> Hello:
        """The complete frame."""
        view, terms = self._view, self._terms
        views = self._stream_views()
        lives = {stream.incarnation for stream in views}
        return Hello(
            generation=view.generation,
            incarnation=view.incarnation,
            sequence_max=view.sequence_max,
            digest=self.own_digest,
            views=views,
            partials=tuple(
                _partial_view(partial)
                for partial in view.partials[:HELLO_PARTIALS_MAX]
                if partial.offer.incarnation in lives
            ),
            credit_bytes=terms.credit_bytes,
            wall_s=terms.wall_s,
            certainty=terms.certainty,
            stays_open=terms.stays_open,
            floor=terms.floor,
        )

    def _stream_views(self) -> tuple[StreamView, ...]:
        """Streams with whole bundles, then those that have only unfinished ones."""
        views: dict[Incarnation, StreamView] = {}
        for stream in self._view.received:
            held = listed(stream.held)
            digest = self._digests.get(PeerDigest(stream.incarnation, held), stream.digest)
            views[stream.incarnation] = StreamView(stream.incarnation, held, digest)
        for partial in self._view.partials:
            life = partial.offer.incarnation
            views.setdefault(life, StreamView(life, RangeSet(), 0))
        return tuple(views.values())[:HELLO_STREAMS_MAX]


def _partial_view(partial: PartialBundle) -> PartialView:
    held = RangeSet(partial.held.spans[:HELLO_PARTIAL_SPANS_MAX])
    return PartialView(partial.offer.incarnation, partial.offer.sequence, partial.offer.seal_tag, held)
