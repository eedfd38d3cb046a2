"""Notes and corrections: nothing is hidden, nothing is picked, whatever the order in which they came."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from protocol.admission import admitted
from protocol.clinical import Note, Patient, Voided
from protocol.fold import CaseState, fold
from protocol.fold_notes import NoteState
from protocol.plain_words import note_text, standing_words
from protocol.records import NewRecord, Record, Reference, Relation
from tests.protocol.cases import HUB, MEDIC, SITE, SPECIALIST, Author


def note(text: str, counter: int, *corrects: Record, author: Author = MEDIC) -> Record:
    refs = tuple(Reference(Relation.SUPERSEDES, record.record_id) for record in corrects)
    return author.entry(NewRecord(Note(language="en", text=text), refs), counter=counter).records[1]


FIRST = note("98/60", 1)
SECOND = note("92/58", 5, FIRST)
RIVAL = note("89/58", 6, FIRST)
SETTLED = note("92/58, measured twice", 9, SECOND, RIVAL)
OTHER = note("Worse.", 3)
ALL = (FIRST, SECOND, RIVAL, SETTLED, OTHER)


def void(record: Record, counter: int = 20) -> Record:
    refs = (Reference(Relation.VOIDS, record.record_id),)
    return MEDIC.entry(NewRecord(Voided(reason="slip"), refs), counter=counter).records[1]


def of(state: CaseState, record: Record) -> NoteState:
    return next(each for each in state.note_states if each.note == record)


def test_a_corrected_note_stands_behind_its_correction() -> None:
    state = fold([FIRST, SECOND, OTHER])
    assert state.notes == (OTHER, SECOND)
    assert of(state, SECOND).former == (FIRST,)
    assert not of(state, SECOND).former_missing
    assert note_text(of(state, SECOND)) == '92/58 [CORRECTED, before it said: "98/60"]'
    assert note_text(of(state, OTHER)) == "Worse."
    assert standing_words(state) == {FIRST.record_id: "corrected since", SECOND.record_id: "a correction"}


def test_two_corrections_stand_side_by_side_and_say_so() -> None:
    state = fold([FIRST, SECOND, RIVAL])
    assert state.notes == (SECOND, RIVAL)
    assert (of(state, SECOND).rivals, of(state, RIVAL).rivals) == ((RIVAL,), (SECOND,))
    assert note_text(of(state, RIVAL)).startswith("89/58 [CONTRADICTED: another correction")
    assert standing_words(state)[RIVAL.record_id].startswith("CONTRADICTED")


def test_a_correction_of_both_ends_the_contradiction() -> None:
    (state,) = fold([FIRST, SECOND, RIVAL, SETTLED]).note_states
    assert (state.note, state.former, state.rivals) == (SETTLED, (FIRST, SECOND, RIVAL), ())
    # A correction of what another replaced meanwhile contradicts it, too.
    late = note("90/58", 12, SECOND)
    both = fold([*ALL, late])
    assert both.notes == (OTHER, SETTLED, late)
    assert of(both, late).rivals == (SETTLED,)


def test_a_correction_without_its_note_says_that_it_is_one() -> None:
    (state,) = fold([SECOND]).note_states
    assert (state.former, state.former_missing) == ((), True)
    assert note_text(state) == "92/58 [corrects a note that has not arrived]"


def test_a_correction_that_was_entered_in_error_gives_the_note_back() -> None:
    assert fold([FIRST, SECOND, void(SECOND)]).notes == (FIRST,)
    last = note("91/58", 15, SECOND)
    (state,) = fold([FIRST, SECOND, last, void(SECOND)]).note_states
    assert (state.note, state.former, state.former_missing) == (last, (FIRST,), False)


def test_the_order_in_which_they_came_changes_nothing() -> None:
    whole = fold(ALL)
    assert all(fold(order) == whole for order in permutations(ALL))


@given(st.sets(st.sampled_from(range(len(ALL)))))
def test_no_note_is_ever_hidden(held: set[int]) -> None:
    records = [ALL[index] for index in held]
    state = fold(records)
    shown = {record for each in state.note_states for record in (each.note, *each.former)}
    assert shown == set(records)


def test_neither_end_corrects_the_notes_of_the_other_nor_with_another_kind() -> None:
    foreign = note("All is well.", 8, FIRST, author=SPECIALIST)
    patient = MEDIC.entry(
        NewRecord(Patient(code="P-1"), (Reference(Relation.SUPERSEDES, FIRST.record_id),)), counter=9
    ).records[1]
    state = fold(admitted([(FIRST, SITE), (foreign, HUB), (patient, SITE)]))
    assert [each.note.record_id for each in state.note_states] == [FIRST.record_id, foreign.record_id]
    assert of(state, FIRST).rivals == ()
    own = fold(admitted([(FIRST, SITE), (SECOND, SITE)]))
    assert own.notes == (SECOND,)
