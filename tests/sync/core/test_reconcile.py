"""Comparing cuts: exactly the bundles that differ are found, in few questions, for any two histories."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.hello import Hello, StreamView
from protocol.ids import Incarnation
from protocol.limits import RANGES_MAX
from protocol.ranges import RangeSet
from protocol.stamps import Certainty
from protocol.summary import digest
from sync.core.reconcile import (
    DIFFERING_SETS_MAX,
    FORKED,
    ROLLED_BACK,
    Comparison,
    Cut,
    Verdict,
    peer_suspicion,
)
from sync.ports import STREAMS_MAX, ReceivedStream, SentStream, SessionView

from ..stores.contract import bundle_id_of, numbers

NOW, PAST = Incarnation(b"now!"), Incarnation(b"past")
Stream = dict[int, str]


def digest_of(stream: Stream, sequences: RangeSet) -> int:
    return digest(bundle_id_of(label) for number, label in stream.items() if number in sequences)


def members(stream: Stream) -> RangeSet:
    return numbers(*stream)


@dataclass(kw_only=True)
class Histories:
    """What we sent and what the peer holds of it, per incarnation."""

    ours: Stream = field(default_factory=dict)
    theirs: Stream = field(default_factory=dict)
    stored: RangeSet = field(default_factory=RangeSet)
    past_ours: Stream = field(default_factory=dict)
    past_theirs: Stream = field(default_factory=dict)
    past_sequence_max: int | None = None
    more_streams: int = 0
    peer_questions: int = 0
    rounds: int = 0

    def compare(self) -> Verdict:
        summed = members(self.ours), digest_of(self.ours, members(self.ours))
        comparison = Comparison(self._view(), summed, self._hello())
        while not comparison.done:
            self.rounds += 1
            ours, theirs = comparison.questions()
            for question in ours:
                stream = {NOW: self.ours, PAST: self.past_ours}.get(question.incarnation, {})
                cut = Cut(question.incarnation, question.sequences)
                comparison.answered_ours(cut, digest_of(stream, question.sequences))
            for ask in theirs:
                self.peer_questions += 1
                stream = self.theirs if ask.incarnation == NOW else self.past_theirs
                cut = Cut(ask.incarnation, ask.sequences)
                comparison.answered_theirs(cut, digest_of(stream, ask.sequences))
        return comparison.verdict()

    def _view(self) -> SessionView:
        sequence_max = self.past_sequence_max or max(self.past_ours, default=0)
        past = SentStream(incarnation=PAST, stored=members(self.past_ours), sequence_max=sequence_max)
        others = [
            SentStream(incarnation=life, stored=RangeSet(), sequence_max=9) for life in self._more_lives()
        ]
        former = (*((past,) if self.past_ours or self.past_sequence_max else ()), *others)
        return SessionView(
            generation=1,
            incarnation=NOW,
            sequence_max=max(self.ours, default=0),
            stored=self.stored,
            former=former,
            pending=(),
            received=(),
            partials=(),
        )

    def _hello(self) -> Hello:
        streams = [(NOW, self.theirs), (PAST, self.past_theirs)]
        views = [
            StreamView(life, members(stream), digest_of(stream, members(stream)))
            for life, stream in streams
            if stream
        ]
        views += [StreamView(life, numbers(1), 0) for life in self._more_lives()]
        return hello(views=tuple(views))

    def _more_lives(self) -> list[Incarnation]:
        return [Incarnation(bytes([number]) * 4) for number in range(self.more_streams)]


def hello(sequence_max: int = 0, own_digest: int = 0, views: tuple[StreamView, ...] = ()) -> Hello:
    return Hello(
        generation=1,
        incarnation=NOW,
        sequence_max=sequence_max,
        digest=own_digest,
        views=views,
        partials=(),
        credit_bytes=0,
        wall_s=0,
        certainty=Certainty.UNSET,
        stays_open=False,
    )


def stream_of(count: int, prefix: str = "b") -> Stream:
    return {number: f"{prefix}{number}" for number in range(1, count + 1)}


def lost_of(verdict: Verdict) -> dict[Incarnation, RangeSet]:
    return {cut.incarnation: cut.sequences for cut in verdict.lost}


def foreign_of(verdict: Verdict) -> dict[Incarnation, RangeSet]:
    return {cut.incarnation: cut.sequences for cut in verdict.foreign}


def test_equal_histories_agree_without_a_question() -> None:
    histories = Histories(ours=stream_of(500), theirs=stream_of(500), stored=RangeSet.of([(1, 501)]))
    assert histories.compare() == Verdict()
    assert (histories.peer_questions, histories.rounds) == (0, 0)


def test_a_lost_receipt_is_made_up_for() -> None:
    histories = Histories(ours=stream_of(9), theirs=stream_of(6), stored=RangeSet.of([(1, 5)]))
    assert histories.compare() == Verdict(stored=numbers(5, 6))
    assert histories.peer_questions == 0


def test_a_restored_peer_gets_back_what_it_lost() -> None:
    histories = Histories(ours=stream_of(9), theirs=stream_of(4), stored=RangeSet.of([(1, 10)]))
    verdict = histories.compare()
    assert lost_of(verdict) == {NOW: RangeSet.of([(5, 10)])}
    assert verdict.renewal is None
    assert not verdict.harmless


def test_a_peer_that_holds_more_than_we_sent_means_we_were_restored() -> None:
    histories = Histories(ours=stream_of(4), theirs=stream_of(9), stored=RangeSet.of([(1, 4)]))
    verdict = histories.compare()
    assert (verdict.renewal, verdict.stored) == (ROLLED_BACK, numbers(4))
    assert verdict.foreign == (Cut(NOW, RangeSet.of([(5, 10)])),)
    assert histories.peer_questions == 1


def test_a_single_foreign_bundle_among_a_thousand_is_found_in_ten_questions() -> None:
    theirs = stream_of(1000) | {637: "foreign"}
    histories = Histories(ours=stream_of(1000), theirs=theirs, stored=RangeSet.of([(1, 1001)]))
    verdict = histories.compare()
    assert verdict.renewal == FORKED
    assert lost_of(verdict) == {NOW: numbers(637)}
    assert histories.peer_questions <= 10


@given(
    count=st.integers(0, 40),
    held=st.frozensets(st.integers(1, 40)),
    foreign=st.frozensets(st.integers(1, 40)),
    stored=st.frozensets(st.integers(1, 40)),
)
def test_any_two_histories(
    count: int, held: frozenset[int], foreign: frozenset[int], stored: frozenset[int]
) -> None:
    """Against the plain definition: a bundle is at the peer when both have it under the same number."""
    ours = stream_of(count)
    theirs = {number: f"foreign {number}" if number in foreign else f"b{number}" for number in held}
    known = stored & ours.keys()
    verdict = Histories(ours=ours, theirs=theirs, stored=numbers(*known)).compare()
    same = {number for number in held & ours.keys() if number not in foreign}
    unknown = held - ours.keys()
    assert verdict.renewal == (ROLLED_BACK if unknown else FORKED if held & foreign else None)
    assert verdict.stored == numbers(*(same - known))
    assert lost_of(verdict).get(NOW, RangeSet()) == numbers(*(known - same))
    assert foreign_of(verdict).get(NOW, RangeSet()) == numbers(*(unknown | held & ours.keys() & foreign))


@given(
    ours=st.frozensets(st.integers(1, 30), min_size=1),
    held=st.frozensets(st.integers(1, 30)),
    foreign=st.frozensets(st.integers(1, 30)),
)
def test_former_incarnations_are_compared_too(
    ours: frozenset[int], held: frozenset[int], foreign: frozenset[int]
) -> None:
    """What the peer holds under a number that stands for nothing or something else here was lost here."""
    past_ours = {number: f"b{number}" for number in ours}
    past_theirs = {number: f"foreign {number}" if number in foreign else f"b{number}" for number in held}
    verdict = Histories(past_ours=past_ours, past_theirs=past_theirs).compare()
    assert verdict.renewal is None
    same = ours & held - foreign
    assert lost_of(verdict).get(PAST, RangeSet()) == numbers(*(ours - same))
    assert foreign_of(verdict).get(PAST, RangeSet()) == numbers(*(held - same))


def test_of_a_former_incarnation_what_lies_under_a_number_of_ours_was_lost_here() -> None:
    """A copy of this store used the number for something else before it was restored from another copy."""
    theirs = {**stream_of(4), 3: "other"}
    verdict = Histories(past_ours=stream_of(4), past_theirs=theirs, past_sequence_max=4).compare()
    assert foreign_of(verdict) == {PAST: numbers(3)}
    assert lost_of(verdict) == {PAST: numbers(3)}
    assert verdict.renewal is None


def test_of_a_former_incarnation_what_lies_beyond_its_end_was_lost_here() -> None:
    histories = Histories(past_ours=stream_of(4), past_theirs=stream_of(6), past_sequence_max=4)
    verdict = histories.compare()
    assert foreign_of(verdict) == {PAST: numbers(5, 6)}
    assert verdict.renewal is None


def test_of_an_incarnation_that_is_not_known_all_was_lost_here() -> None:
    assert foreign_of(Histories(past_theirs=stream_of(3)).compare()) == {PAST: numbers(1, 2, 3)}


def test_beside_a_full_list_an_unknown_incarnation_says_nothing() -> None:
    assert Histories(past_theirs=stream_of(3), more_streams=STREAMS_MAX).compare().foreign == ()


def test_where_too_much_differs_everything_left_is_sent_again() -> None:
    count = 64 * DIFFERING_SETS_MAX
    histories = Histories(
        ours=stream_of(count), theirs=stream_of(count, "foreign"), stored=RangeSet.of([(1, count + 1)])
    )
    verdict = histories.compare()
    assert lost_of(verdict) == {NOW: RangeSet.of([(1, count + 1)])}
    assert histories.peer_questions < count / 4


def test_a_peer_that_may_have_left_a_stream_out_has_not_lost_it() -> None:
    silent = Histories(past_ours=stream_of(3), more_streams=STREAMS_MAX)
    assert silent.compare() == Verdict()
    outspoken = Histories(past_ours=stream_of(3), more_streams=STREAMS_MAX - 1)
    assert lost_of(outspoken.compare()) == {PAST: RangeSet.of([(1, 4)])}


def test_what_lies_beyond_a_full_list_is_not_taken_for_lost() -> None:
    ours = stream_of(3 * RANGES_MAX)
    theirs = {number: label for number, label in ours.items() if number % 2 and number <= 2 * RANGES_MAX}
    assert len(members(theirs).spans) == RANGES_MAX
    verdict = Histories(ours=ours, theirs=theirs, stored=members(ours)).compare()
    lost = lost_of(verdict)[NOW]
    assert max(lost) < 2 * RANGES_MAX
    assert lost == RangeSet.of((number, number + 1) for number in range(2, 2 * RANGES_MAX - 1, 2))


def test_answers_nobody_asked_for_change_nothing() -> None:
    view = Histories(ours=stream_of(3))._view()
    comparison = Comparison(view, (RangeSet(), 0), hello())
    comparison.answered_ours(Cut(NOW, numbers(1)), 5)
    comparison.answered_theirs(Cut(NOW, numbers(1)), 6)
    assert comparison.done
    assert comparison.verdict() == Verdict()


@pytest.mark.parametrize(
    ("sequence_max", "own_digest", "suspicion"),
    [(3, 7, None), (4, 99, None), (2, 0, "more than it now knows"), (3, 8, "other bundles")],
)
def test_a_peers_own_hello_betrays_its_restore(
    sequence_max: int, own_digest: int, suspicion: str | None
) -> None:
    received = [
        ReceivedStream(incarnation=PAST, held=numbers(1, 9), digest=1),
        ReceivedStream(incarnation=NOW, held=RangeSet.of([(1, 4)]), digest=7),
    ]
    found = peer_suspicion(hello(sequence_max, own_digest), received)
    assert found is None if suspicion is None else suspicion in (found or "")
