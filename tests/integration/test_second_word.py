"""Corrections, questions and answers between a real node and a real hub: by session, and by message ahead."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from protocol.actors import Role
from protocol.errors import AuthorityRefused, BundleRefused
from protocol.header import Priority
from protocol.ids import CaseId
from protocol.prekeys import RevocationReason
from protocol.ranges import RangeSet
from sfhub.errors import BadRequest
from sfhub.storage.outbox import OutboxRow, unsealed
from sfhub.storage.people import Clinician
from sfnode.errors import Refused, ValueRefused
from sfnode.services.case_errors import NoteNotFound, QuestionNotFound
from sfnode.services.outgoing import Outgoing
from simulations.demo.story import NOTE
from tests.integration.voyage import HUB, SITE, Voyage, open_voyage
from tests.sfnode.services.station import new_case

EDITED = NOTE.replace("98/60", "92/58")
CORRECTED = f'{EDITED} [CORRECTED, before it said: "{NOTE}"]'
PROVISIONAL = f'{NOTE} [PROVISIONAL correction, signed by nobody yet: "{EDITED}"]'
FULLY_AWAKE = 4


async def told_case(voyage: Voyage, *, urgency: Priority = Priority.URGENT) -> CaseId:
    """A case with a long note that the hub holds, and is known to hold."""
    book = voyage.post.book
    case_id = (await book.open_case(new_case(urgency=urgency))).case_id
    await book.send_case(case_id, accept_missing=True)
    await book.add_note(case_id, language="en", text=NOTE)
    await voyage.post.outbox.seal_waiting()
    await voyage.meet()
    return case_id


async def note_name(voyage: Voyage, case_id: CaseId) -> str:
    return (await voyage.post.book.case_view(case_id)).note_views[-1].record


async def correct(voyage: Voyage, case_id: CaseId, text: str = EDITED) -> Outgoing:
    """What then waits to be sealed."""
    await voyage.post.book.correct_note(case_id, await note_name(voyage, case_id), language=None, text=text)
    (waiting,) = await voyage.post.book.outbox()
    return waiting


async def notes_at_hub(voyage: Voyage, case_id: CaseId) -> tuple[str, ...]:
    return (await voyage.hub.worklist.case(case_id)).notes


async def message_of(voyage: Voyage, waiting: Outgoing) -> bytes:
    message = await voyage.post.outbox.message_ahead(waiting)
    assert message is not None
    return message


async def specialist(voyage: Voyage) -> Clinician:
    return await voyage.hub.people.add("Specialist on duty", Role.SPECIALIST)


# Corrections.


async def test_a_correction_is_a_few_bytes_and_the_old_text_stays_readable(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        await correct(voyage, case_id)
        await voyage.post.outbox.seal_waiting()
        (bundle,) = await (await voyage.post.custody()).outgoing(RangeSet())
        assert bundle.offer.size_bytes <= 165
        await voyage.meet()
        assert await notes_at_hub(voyage, case_id) == (CORRECTED,)
        view = await voyage.post.book.case_view(case_id)
        assert [note.text for note in view.note_views] == [EDITED]
        assert view.notes[0].endswith(CORRECTED)
        titles = [
            row.title for row in (await voyage.hub.worklist.case(case_id)).timeline if row.kind == "note"
        ]
        assert titles == ["note (a correction)", "note (corrected since)"]


async def test_a_correction_goes_ahead_in_one_message_and_gives_way_to_the_signed_one(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        message = await message_of(voyage, await correct(voyage, case_id))
        assert len(message) <= 75
        for _ in range(2):
            await voyage.hub.ingest.receive_message(message)
            assert await notes_at_hub(voyage, case_id) == (PROVISIONAL,)
            (row,) = await voyage.hub.worklist.queue()
            assert "a note was corrected, signed by nobody yet" in row.missing
        await voyage.post.outbox.seal_waiting()
        await voyage.meet()
        assert await notes_at_hub(voyage, case_id) == (CORRECTED,)
        (row,) = await voyage.hub.worklist.queue()
        assert not [sentence for sentence in row.missing if "signed by nobody" in sentence]
        await voyage.hub.ingest.receive_message(message)
        assert await notes_at_hub(voyage, case_id) == (CORRECTED,)


async def test_message_and_session_in_any_order_give_the_same_case(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        seen = []
        for order in permutations(("first message", "second message", "session")):
            case_id = await told_case(voyage)
            messages = {"first message": await message_of(voyage, await correct(voyage, case_id))}
            await voyage.post.outbox.seal_waiting()
            # The hub does not hold the correction: the correction of that one goes whole, and nothing ahead.
            assert await voyage.post.outbox.message_ahead(await correct(voyage, case_id, "Again.")) is None
            messages["second message"] = messages["first message"]
            for step in order:
                if step == "session":
                    await voyage.post.outbox.seal_waiting()
                    await voyage.meet()
                else:
                    await voyage.hub.ingest.receive_message(messages[step])
            seen.append(await notes_at_hub(voyage, case_id))
        assert seen == [seen[0]] * len(seen)
        assert seen[0][0].startswith("Again. [CORRECTED, before it said: ")


async def test_a_routine_case_waits_for_the_signed_correction(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage, urgency=Priority.ROUTINE)
        assert await voyage.post.outbox.message_ahead(await correct(voyage, case_id)) is None


async def test_nothing_but_the_signed_correction_is_queued_for_sessions(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        waiting = await correct(voyage, case_id)
        assert waiting.what == "note corrected"
        assert await voyage.post.outbox.seal_waiting() == 1


async def test_a_correction_of_what_the_hub_lacks_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        await voyage.post.book.add_note(case_id, language="en", text=NOTE.replace("98/60", "100/70"))
        await voyage.post.outbox.seal_waiting()
        custody = await voyage.post.custody()
        for bundle in await custody.outgoing(RangeSet()):
            # As if the hub had held it, and lost it since.
            await custody.mark_stored(RangeSet(((bundle.offer.sequence, bundle.offer.sequence + 1),)))
        message = await message_of(voyage, await correct(voyage, case_id))
        before = await voyage.hub.worklist.case(case_id)
        with pytest.raises(
            BundleRefused, match="corrects a note that is not here; the signed correction follows"
        ):
            await voyage.hub.ingest.receive_message(message)
        assert await voyage.hub.worklist.case(case_id) == before


async def test_a_message_that_was_altered_or_comes_from_nobody_is_refused(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        message = await message_of(voyage, await correct(voyage, case_id))
        with pytest.raises(AuthorityRefused, match="not from a device that is enrolled here"):
            await voyage.hub.ingest.receive_message(message[:1] + b"none" + message[5:])
        with pytest.raises(BundleRefused):
            await voyage.hub.ingest.receive_message(message[:9])
        with pytest.raises(Exception, match="does not open"):
            await voyage.hub.ingest.receive_message(message[:-1] + bytes((message[-1] ^ 1,)))
        assert await notes_at_hub(voyage, case_id) == (NOTE,)


async def test_a_revoked_device_is_not_heard_by_message_either(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        message = await message_of(voyage, await correct(voyage, case_id))
        await voyage.hub.revocations.revoke(SITE, reason=RevocationReason.LOST)
        with pytest.raises(AuthorityRefused, match="not from a device that is enrolled here"):
            await voyage.hub.ingest.receive_message(message)
        assert await notes_at_hub(voyage, case_id) == (NOTE,)


async def test_what_cannot_be_corrected_is_refused(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        book = voyage.post.book
        first = await note_name(voyage, case_id)
        with pytest.raises(Refused, match="says exactly that already"):
            await book.correct_note(case_id, first, language=None, text=NOTE)
        for name in ("", first[:3], "ff" * 16):
            with pytest.raises(NoteNotFound):
                await book.correct_note(case_id, name, language=None, text="x")
        await correct(voyage, case_id)
        with pytest.raises(Refused, match="was corrected already"):
            await book.correct_note(case_id, first, language=None, text="x")
        assert len((await book.case_view(case_id)).note_views) == 1


async def test_the_headline_is_the_message_ahead_of_its_case(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = (await voyage.post.book.open_case(new_case())).case_id
        headline, text, *_ = await voyage.post.book.send_case(case_id, accept_missing=True)
        await voyage.hub.ingest.receive_message(await message_of(voyage, headline))
        assert (await voyage.hub.worklist.queue())[0].provisional
        assert await voyage.post.outbox.message_ahead(text) is None


# Questions.


async def ask(voyage: Voyage, case_id: CaseId, *codes: int) -> OutboxRow:
    """What then waits to be sealed at the hub."""
    await voyage.hub.replies.ask(case_id, await specialist(voyage), codes, within_min=30)
    return (await voyage.hub.database.read(lambda connection: unsealed(connection, 9)))[-1]


async def test_a_question_is_asked_answered_and_read(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        book = voyage.post.book
        await ask(voyage, case_id, FULLY_AWAKE, 1)
        await voyage.settle_hub()
        await voyage.meet()
        awake, better = (await book.case_view(case_id)).questions
        assert (awake.code, awake.takes, awake.within_min) == (FULLY_AWAKE, "yes or no", 30)
        assert better.takes == "1 better, 2 the same, 3 worse"
        assert (await book.case_row(case_id)).needs_you == "question from the hub"
        await book.answer_question(case_id, str(FULLY_AWAKE), value="no")
        await book.answer_question(case_id, better.question[:8], value="3")
        assert (await book.case_view(case_id)).questions == ()
        assert (await book.case_row(case_id)).needs_you is None
        await voyage.post.outbox.seal_waiting()
        await voyage.meet()
        asked = (await voyage.hub.worklist.case(case_id)).questions
        assert [(each.status, each.answers) for each in asked] == [
            ("answered", ("no (Medic on duty)",)),
            ("answered", ("worse (Medic on duty)",)),
        ]


async def test_a_later_answer_takes_the_place_of_the_first(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        await ask(voyage, case_id, FULLY_AWAKE)
        await voyage.settle_hub()
        await voyage.meet()
        for value in ("yes", "no"):
            await voyage.post.book.answer_question(case_id, str(FULLY_AWAKE), value=value)
        await voyage.post.outbox.seal_waiting()
        await voyage.meet()
        (asked,) = (await voyage.hub.worklist.case(case_id)).questions
        assert asked.answers == ("no (Medic on duty)",)


async def test_what_is_no_answer_is_refused_and_says_what_is(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        await ask(voyage, case_id, FULLY_AWAKE, 1, 2)
        await voyage.settle_hub()
        await voyage.meet()
        book = voyage.post.book
        for code, value, takes in (
            ("4", "perhaps", "yes or no"),
            ("4", "yes, no", "yes or no"),
            ("1", "4", "1 better, 2 the same, 3 worse"),
            ("2", "ten", "a whole number of min"),
            ("2", "99999999999", "a whole number of 0..2147483647"),
            ("2", None, "a whole number of min"),
        ):
            with pytest.raises(ValueRefused, match=takes):
                await book.answer_question(case_id, code, value=value)
        with pytest.raises(QuestionNotFound):
            await book.answer_question(case_id, "5", value="yes")
        assert len((await book.case_view(case_id)).questions) == 3


async def test_question_and_answer_each_go_ahead_in_one_message(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        book = voyage.post.book
        row = await ask(voyage, case_id, FULLY_AWAKE)
        message = await voyage.hub.outbox.message_ahead(row)
        assert message is not None
        assert len(message) <= 80
        for _ in range(2):
            await voyage.post.inbox.receive_message(message, HUB)
        (asked,) = (await book.plan_view(case_id)).advice
        assert asked.startswith("PROVISIONAL QUESTION from the hub: Is the patient fully awake")
        await voyage.settle_hub()
        await voyage.meet()
        assert (await book.plan_view(case_id)).advice == ()
        await book.answer_question(case_id, str(FULLY_AWAKE), value="yes")
        (waiting,) = await book.outbox()
        await voyage.hub.ingest.receive_message(await message_of(voyage, waiting))
        (row_there,) = await voyage.hub.worklist.queue()
        assert "provisional answer, signed by nobody yet: yes" in row_there.missing
        await voyage.post.outbox.seal_waiting()
        await voyage.meet()
        (row_there,) = await voyage.hub.worklist.queue()
        assert not [sentence for sentence in row_there.missing if "signed by nobody" in sentence]


async def test_only_what_the_catalogue_has_is_asked(tmp_path: Path) -> None:
    async with open_voyage(tmp_path) as voyage:
        case_id = await told_case(voyage)
        doctor = await specialist(voyage)
        for codes in ((), (60_000,), tuple(range(1, 10))):
            with pytest.raises(BadRequest, match="Nothing was sent"):
                await voyage.hub.replies.ask(case_id, doctor, codes)
        with pytest.raises(BadRequest, match="Nothing was sent"):
            await voyage.hub.replies.ask(case_id, doctor, [1], within_min=0)
        assert (await voyage.hub.worklist.case(case_id)).questions == ()
        coordinator = await voyage.hub.people.add("Coordinator on duty", Role.COORDINATOR)
        await voyage.hub.replies.ask(case_id, coordinator, [1])
        assert len((await voyage.hub.worklist.case(case_id)).questions) == 1
