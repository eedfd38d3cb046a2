"""Corrections and answers at the site: which note is meant, whose it is, in whose language it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.clinical import Note
from protocol.entry import SignedEntry, write_entry
from protocol.ids import CaseId, RecordId
from protocol.questions import AnswerState, Question
from protocol.records import NewRecord, Reference, Relation
from protocol.stamps import Stamp
from sfnode.errors import Refused, ValueRefused
from sfnode.services.casebook import CaseBook
from sfnode.vault.directory import read_identity
from tests.sfnode.services.station import NOW_S, Station, last_record, new_case, open_station


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


def speaking(station: Station, language: str) -> CaseBook:
    return CaseBook(station.vault, clock=station.clock, language=language)


async def rival(station: Station, case_id: CaseId, note: str, text: str) -> SignedEntry:
    """A correction that a copy of this station wrote without knowing of ours."""
    identity = await station.vault.database.read(read_identity)
    refs = (Reference(Relation.SUPERSEDES, RecordId(bytes.fromhex(note))),)
    return write_entry(
        [NewRecord(Note(language="en", text=text), refs)],
        case_id=case_id,
        patient_id=station.desk.seen[case_id][0].patient_id,
        author=identity.author,
        stamp=Stamp(900, NOW_S),
        key=identity.signing,
    )


async def test_a_draft_is_corrected_before_it_is_sent(station: Station) -> None:
    book = station.book
    case_id = (await book.open_case(new_case(note="Since two."))).case_id
    (note,) = (await book.case_view(case_id)).note_views
    await book.correct_note(case_id, note.record[:8], language=None, text="Since three. ")
    view = await book.case_view(case_id)
    assert view.notes == (
        '21:00Z Medic on duty [en]: Since three. [CORRECTED, before it said: "Since two."]',
    )
    await book.correct_note(case_id, view.note_views[0].record, language="ko", text="세 시부터")
    (last,) = (await book.case_view(case_id)).note_views
    assert (last.language, last.text) == ("ko", "세 시부터")


async def test_two_corrections_side_by_side_end_in_a_third(station: Station) -> None:
    case_id = await station.sent_case(note="Since two.")
    book = station.book
    (note,) = (await book.case_view(case_id)).note_views
    saved = await book.correct_note(case_id, note.record, language=None, text="Since three.")
    await station.hear(await rival(station, case_id, note.record, "Since four."))
    both = (await book.case_view(case_id)).notes
    assert [("CONTRADICTED" in each) for each in both] == [True, True]
    await book.correct_note(case_id, saved.records[0].hex(), language=None, text="Since three.")
    (settled,) = (await book.case_view(case_id)).notes
    assert "CONTRADICTED" not in settled
    assert all(text in settled for text in ("Since two.", "Since three.", "Since four."))


async def test_a_note_of_the_hub_is_corrected_there_alone(station: Station) -> None:
    case_id = await station.sent_case()
    written = station.desk.write(case_id, NewRecord(Note(language="en", text="Call at noon.")))
    await station.hear(written)
    with pytest.raises(Refused, match="written at the hub, which alone can correct it"):
        await station.book.correct_note(case_id, last_record(written).hex(), language=None, text="At one.")


async def test_a_question_is_asked_and_answered_in_the_site_s_language(station: Station) -> None:
    case_id = await station.sent_case()
    await station.hear(station.desk.write(case_id, NewRecord(Question(code=4)), NewRecord(Question(code=1))))
    book = speaking(station, "ko")
    awake, better = (await book.case_view(case_id)).questions
    assert awake.text == "환자가 완전히 깨어 있고 말이 조리에 맞습니까?"
    assert (awake.takes, awake.choices) == ("예 or 아니요", ("아니요", "예"))
    await book.answer_question(case_id, "4", value="예")
    await book.answer_question(case_id, better.question, value="worse")
    others = (await book.case_view(case_id)).others
    assert [line.rpartition(": ")[2] for line in others if "answer:" in line] == ["예", "나빠짐"]


async def test_why_there_is_no_answer_is_an_answer(station: Station) -> None:
    case_id = await station.sent_case()
    await station.hear(station.desk.write(case_id, NewRecord(Question(code=3))))
    with pytest.raises(ValueRefused, match="This question takes a number"):
        await station.book.answer_question(case_id, "3", value="strong")
    await station.book.answer_question(case_id, "3", state=AnswerState.CANNOT, value="he does not speak")
    view = await station.book.case_view(case_id)
    assert view.questions == ()
    assert view.others[-1].endswith("answer: cannot be found out here, he does not speak")


async def test_one_answer_does_for_a_question_that_was_asked_twice(station: Station) -> None:
    case_id = await station.sent_case()
    for _ in range(2):
        await station.hear(station.desk.write(case_id, NewRecord(Question(code=4))))
    assert len((await station.book.case_view(case_id)).questions) == 2
    await station.book.answer_question(case_id, "4", value="yes")
    assert (await station.book.case_view(case_id)).questions == ()


async def test_a_question_in_words_or_of_a_newer_catalogue_takes_words(station: Station) -> None:
    case_id = await station.sent_case()
    words = station.desk.write(case_id, NewRecord(Question(text="When did it begin?")))
    await station.hear(words, station.desk.write(case_id, NewRecord(Question(code=60_000))))
    asked = (await station.book.case_view(case_id)).questions
    assert [each.takes for each in asked] == ["words", "words"]
    assert "which this version does not know" in asked[1].text
    await station.book.answer_question(case_id, last_record(words).hex()[:8], value="At two.")
    await station.book.answer_question(case_id, "60000", value="No idea.")
    assert (await station.book.case_view(case_id)).questions == ()


async def test_what_a_reply_did_not_know_names_a_correction_as_one(station: Station) -> None:
    case_id = await station.sent_case(note="Since two.")
    (note,) = (await station.book.case_view(case_id)).note_views
    reply = station.desk.reply(case_id)
    await station.book.correct_note(case_id, note.record, language=None, text="Since three.")
    await station.hear(reply)
    assert (await station.book.plan_view(case_id)).written_before[0].startswith("a note was corrected")
