"""Compares what the peer holds of our bundles with what we sent, down to the exact numbers that differ.

A *cut* is a set of our numbers and the digest over them on both sides. Equal digests: the same bundles. For
different ones the set is halved; since digests add up, asking for one half tells both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.frames import DigestAsk
from protocol.hello import Hello, StreamView
from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet
from protocol.summary import DIGEST_BYTES

from ..ports import STREAMS_MAX, ForeignNumbers, ReceivedStream, SentStream, SessionView
from .effects import Digest

DIFFERING_SETS_MAX: Final = 64
"""Sets halved at the same time; where more differ, they count as differing whole: sending a bundle that the
peer holds costs one offer, since it knows the bundle by its id."""
ROLLED_BACK: Final = "the peer holds more than this store ever sent: it was restored from a backup, or copied"
FORKED: Final = (
    "the peer holds other bundles under our numbers: this store was restored from a backup, or copied"
)

_NOTHING: Final = RangeSet()
_MODULUS: Final = 1 << 8 * DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Cut:
    """A set of our numbers."""

    incarnation: Incarnation
    sequences: RangeSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What custody has to change."""

    stored: RangeSet = _NOTHING
    """Numbers of our current incarnation that the peer turns out to hold."""
    lost: tuple[Cut, ...] = ()
    """Bundles that the peer once held and holds no more, or not under that number."""
    foreign: tuple[Cut, ...] = ()
    """Numbers of ours under which the peer holds bundles that this store does not know."""
    differing: tuple[Cut, ...] = ()
    """Numbers that both sides have, for different bundles."""
    renewal: str | None = None
    """Why a new incarnation must begin."""

    @property
    def harmless(self) -> bool:
        """Whether what is planned to be sent can stand."""
        return not self.lost and self.renewal is None


@dataclass(frozen=True, slots=True)
class _Rest:
    """The other half of a set that differs, with the digests over both halves together."""

    cut: Cut
    ours: int
    theirs: int


@dataclass(slots=True, eq=False)
class _Question:
    """One cut whose digests are being fetched."""

    cut: Cut
    ours: int | None = None
    theirs: int | None = None
    rest: _Rest | None = None


class Comparison:
    """The comparison of one session; ends in a `Verdict`."""

    def __init__(
        self,
        view: SessionView,
        summed: tuple[RangeSet, int],
        peer: Hello,
        *,
        past_is_settled: bool = False,
    ) -> None:
        """`summed` are numbers of our incarnation and the digest over them, which need not be asked for.
        Where the past is settled, the peer has told of the present incarnation alone."""
        self._past_is_settled = past_is_settled
        self._view = view
        self._streams = {stream.incarnation: stream for stream in peer.views}
        self._streams_are_all = len(peer.views) < STREAMS_MAX
        self._current = self._stream_of(view.incarnation)
        self._differing: dict[Incarnation, RangeSet] = {}
        self._questions: dict[Cut, _Question] = {}
        self._unasked: list[_Question] = []
        ours = RangeSet.of([(1, view.sequence_max + 1)])
        self._rolled_back = bool((self._current.held - ours).spans)
        self._compare(self._current, ours, summed)
        for former in self._known_former():
            given_out = RangeSet.of([(1, former.sequence_max + 1)])
            self._compare(self._stream_of(former.incarnation), given_out)

    @property
    def done(self) -> bool:
        """Whether the verdict is final."""
        return not self._questions

    def questions(self) -> tuple[list[Digest], list[DigestAsk]]:
        """What to ask custody and what to ask the peer; each question is given out once."""
        if not self._unasked:
            return [], []  # Asked for at every step of a session.
        ours = [question.cut for question in self._unasked if question.ours is None]
        theirs = [question.cut for question in self._unasked if question.theirs is None]
        self._unasked.clear()
        return (
            [Digest(cut.incarnation, cut.sequences) for cut in ours],
            [DigestAsk(cut.incarnation, cut.sequences) for cut in theirs],
        )

    def answered_ours(self, cut: Cut, digest: int) -> None:
        """Custody's answer."""
        if question := self._questions.get(cut):
            question.ours = digest
            self._settle(question)

    def answered_theirs(self, cut: Cut, digest: int) -> None:
        """The peer's answer; one that nobody asked for changes nothing."""
        if question := self._questions.get(cut):
            question.theirs = digest
            self._settle(question)

    def verdict(self) -> Verdict:
        """What follows once `done`."""
        lost = [self._lost(self._current, self._view.stored)]
        lost += [
            self._lost(self._stream_of(former.incarnation), former.stored) for former in self._known_former()
        ]
        differing = self._differing.get(self._view.incarnation, _NOTHING)
        ours = RangeSet.of([(1, self._view.sequence_max + 1)])
        return Verdict(
            stored=(self._current.held & ours) - differing - self._view.stored,
            lost=tuple(cut for cut in lost if cut.sequences.spans),
            foreign=tuple(cut for cut in self._foreign() if cut.sequences.spans),
            differing=tuple(Cut(life, numbers) for life, numbers in self._differing.items()),
            renewal=ROLLED_BACK if self._rolled_back else FORKED if differing.spans else None,
        )

    def _foreign(self) -> Iterator[Cut]:
        """Per incarnation of ours, what the peer holds beyond the numbers that we know of, or instead of
        what we know under them, and what is neither asked for nor promised yet."""
        view = self._view
        known = {former.incarnation: former.sequence_max for former in view.former}
        known[view.incarnation] = view.sequence_max
        list_is_full = max(len(view.former), len(view.promised)) >= STREAMS_MAX
        for life, stream in self._streams.items():
            sequence_max = known.get(life, None if list_is_full else 0)
            if sequence_max is not None:
                beyond = stream.held - RangeSet.of([(1, sequence_max + 1)])
                unknown = beyond | self._differing.get(life, _NOTHING)
                yield Cut(life, unknown - numbers_of(view.foreign, life) - numbers_of(view.promised, life))

    # Which streams.

    def _stream_of(self, incarnation: Incarnation) -> StreamView:
        return self._streams.get(incarnation, StreamView(incarnation, _NOTHING, 0))

    def _known_former(self) -> Iterator[SentStream]:
        """Former incarnations that the peer told us of; a long list may have left some out."""
        for former in () if self._past_is_settled else self._view.former:
            if self._streams_are_all or former.incarnation in self._streams:
                yield former

    def _lost(self, stream: StreamView, stored: RangeSet) -> Cut:
        held = stream.held - self._differing.get(stream.incarnation, _NOTHING)
        if len(stream.held.spans) >= RANGES_MAX:
            stored = stored.below(stream.held.spans[-1][1])
        return Cut(stream.incarnation, stored - held)

    # Halving.

    def _compare(
        self, stream: StreamView, ours: RangeSet, summed: tuple[RangeSet, int] = (_NOTHING, 0)
    ) -> None:
        common = stream.held & ours
        if not common.spans:
            return
        self._open(
            _Question(
                Cut(stream.incarnation, common),
                ours=summed[1] if common == summed[0] else None,
                theirs=stream.digest if common == stream.held else None,
            )
        )

    def _open(self, question: _Question) -> None:
        self._questions[question.cut] = question
        self._unasked.append(question)
        self._settle(question)

    def _settle(self, question: _Question) -> None:
        ours, theirs = question.ours, question.theirs
        if ours is None or theirs is None:
            return
        del self._questions[question.cut]
        self._judge(question.cut, ours, theirs)
        if question.rest is not None:
            rest = question.rest
            self._judge(rest.cut, (rest.ours - ours) % _MODULUS, (rest.theirs - theirs) % _MODULUS)

    def _judge(self, cut: Cut, ours: int, theirs: int) -> None:
        if ours == theirs:
            return
        count = len(cut.sequences)
        if count == 1 or len(self._questions) >= DIFFERING_SETS_MAX:
            seen = self._differing.get(cut.incarnation, _NOTHING)
            self._differing[cut.incarnation] = seen | cut.sequences
            return
        half = cut.sequences.first(count // 2)
        rest = _Rest(Cut(cut.incarnation, cut.sequences - half), ours, theirs)
        self._open(_Question(Cut(cut.incarnation, half), rest=rest))


def numbers_of(lives: Sequence[ForeignNumbers], incarnation: Incarnation) -> RangeSet:
    """Those of one incarnation."""
    return next((each.sequences for each in lives if each.incarnation == incarnation), _NOTHING)


def peer_suspicion(peer: Hello, received: Sequence[ReceivedStream]) -> str | None:
    """Why the peer's store looks restored or copied, by what we hold of it; it will find out by itself."""
    for stream in received:
        if stream.incarnation == peer.incarnation:
            sent = RangeSet.of([(1, peer.sequence_max + 1)])
            if (stream.held - sent).spans:
                return "the peer has sent more than it now knows of: it was restored from a backup, or copied"
            if stream.held == sent and stream.digest != peer.digest:
                return (
                    "the peer sent other bundles under its numbers: it was restored from a backup, or copied"
                )
    return None
