"""Letters where something is in the way for good: gaps, no room, damage, stores and lives that changed."""

from __future__ import annotations

from dataclasses import replace

from protocol.header import Priority
from protocol.letters import Head, Heard, Way, decode_letter, encode_letter, open_letter
from protocol.ranges import RangeSet
from sync.letters.terms import LETTER_BYTES_MIN, PAID_BUNDLE_BYTES_MAX
from sync.ports import IncomingChunk, Offer, Rank

from ..core.simulated_contact import meet, new_store
from .post_office import SECRET, End, Post, PostOffice, terms_of

KIND = Post(delay_s_min=5.0, delay_s_max=5.0)
CASES = 70
"""With a photograph that stays behind in each: more gaps than a short letter can tell of."""


async def send(office: PostOffice, label: str, *, photograph: bool = False) -> Offer:
    if photograph:
        await office.site.add(f"photograph of {label}", PAID_BUNDLE_BYTES_MAX + 1, rank=Rank.STANDARD)
    offer = await office.site.add(label, 150)
    await office.run()
    return offer


def heard_in(letter: bytes, way: Way) -> Heard:
    heard = decode_letter(open_letter(SECRET, way, letter))[0].heard
    assert heard is not None
    return heard


async def test_what_stays_behind_in_each_case_costs_no_letter() -> None:
    """What came last is told of first; else it would be written again for ever."""
    office = PostOffice(KIND, far=terms_of(KIND, letter_bytes_max=LETTER_BYTES_MIN))
    for number in range(CASES):
        offer = await send(office, f"case {number}", photograph=True)
        assert office.site.released[-1] == offer.bundle_id
    assert (office.site.written, office.hub.written) == (CASES, CASES)


async def test_where_not_all_is_told_a_restored_hub_is_still_brought_what_it_lost() -> None:
    office = PostOffice(KIND, far=terms_of(KIND, letter_bytes_max=LETTER_BYTES_MIN))
    for number in range(CASES):
        await send(office, f"case {number}", photograph=True)
    backup = office.hub.store.snapshot()
    lost = [await send(office, f"lost {number}", photograph=True) for number in range(3)]
    office.hub.store.restore(backup)
    office.hub.restart(None)
    await send(office, "after")
    assert all(office.hub.store.holds(offer.bundle_id) for offer in lost)
    assert (await office.site.store.open_session()).pending[0].rank is Rank.STANDARD, "no text waits"


async def test_what_is_told_beside_gaps_is_no_proof_that_something_was_lost() -> None:
    office = PostOffice(KIND, far=terms_of(KIND, letter_bytes_max=LETTER_BYTES_MIN))
    answers: list[bytes] = []

    def keeps(end: End, letter: bytes) -> bool:
        if end is office.hub:
            answers.append(letter)
        return True

    office.keeps = keeps
    for number in range(CASES):
        await send(office, f"case {number}", photograph=True)
    heard = heard_in(answers[-1], Way.FROM_HUB)
    assert 1 < heard.complete_from
    assert len(heard.held) < CASES
    assert len((await office.site.store.open_session()).stored) == CASES


async def test_a_number_is_told_from_which_on_all_is_said() -> None:
    heard = Heard(
        number=3, incarnation=(await new_store(1).open_session()).incarnation, held=RangeSet(), digest=0
    )
    head = Head(number=1, incarnation=heard.incarnation, heard=heard)
    cut = replace(head, heard=replace(heard, complete_from=300))
    assert len(encode_letter(cut, ())) == len(encode_letter(head, ())) + 2
    assert decode_letter(encode_letter(cut, ()))[0] == cut


async def test_what_the_peer_has_no_room_for_goes_again_ever_more_seldom() -> None:
    office = PostOffice(KIND)
    office.hub.store = new_store(3, received_bytes_max=100)
    office.hub.restart(None)
    await office.site.add("text", 200)
    await office.run(until_s=86_400.0)
    assert 5 < office.site.written < 70
    other = await office.site.add("short", 60)
    await office.run(office.now_s + 100.0)
    assert office.site.released == [other.bundle_id], "and nothing waits behind it"


async def test_for_what_did_not_get_through_again_and_again_another_link_may_be_sought() -> None:
    office = PostOffice(KIND)
    office.hub.store = new_store(3, received_bytes_max=100)
    office.hub.restart(None)
    await office.site.add("text", 200)
    await office.run(until_s=20.0)
    assert office.site.letters.under_way.spans
    await office.run(until_s=3_600.0)
    assert not office.site.letters.under_way.spans


async def test_bytes_that_are_damaged_here_make_no_empty_letters() -> None:
    office = PostOffice(KIND)
    offer = await office.site.add("text", 200)
    state = office.site.store.snapshot()
    state.sent[offer.incarnation, offer.sequence].sealed = b""
    office.site.store.restore(state)
    assert await office.site.letters.write(0.0) is None


async def test_a_letter_that_was_overtaken_does_not_widen_what_is_wanted() -> None:
    office = PostOffice(KIND)
    letters: list[bytes] = []
    for floor in (Priority.BULK, Priority.EMERGENCY):
        office.site.terms = terms_of(KIND, floor=floor)
        office.site.restart(None)
        await office.site.add(f"wanted {floor}", 100, Priority.EMERGENCY)
        written = await office.site.letters.write(0.0)
        assert written is not None
        letters.append(written.data)
    for letter in reversed(letters):
        await office.deliver(office.hub, letter)
    assert await office.hub.letters.write(0.0) is not None, "the answer"
    await office.hub.add("reply", 100, Priority.ROUTINE)
    assert await office.hub.letters.write(0.0) is None


async def test_answers_to_letters_of_before_a_restore_are_not_believed_once_numbers_have_leapt() -> None:
    office = PostOffice(KIND)
    answers: list[bytes] = []

    def keeps(end: End, letter: bytes) -> bool:
        if end is office.hub:
            answers.append(letter)
        return end is office.site

    office.keeps = keeps
    backup = office.site.store.snapshot()
    for number in range(4):
        await office.site.add(f"text {number}", 200)
        await office.run(office.now_s + 60.0)
    office.site.store.restore(backup)
    office.site.restart(None)
    await office.site.add("text 0", 200)
    assert await office.site.letters.write(office.now_s) is not None
    base = office.site.letters.memory.base
    late = [each for each in answers if heard_in(each, Way.FROM_HUB).number >= base]
    assert len(late) > 2
    for answer in reversed(late):
        read = await office.site.letters.read(answer, office.now_s)
        assert read.believed is None


async def test_a_life_that_a_session_began_is_known_to_the_letters() -> None:
    office = PostOffice(KIND)
    await office.site.add("by letter, and then by another link", 200)
    assert await office.site.letters.write(0.0) is not None
    await office.site.store.mark_stored(RangeSet(((1, 2),)))
    await office.site.store.renew_incarnation("as a session does")
    other = await office.site.add("by another link", PAID_BUNDLE_BYTES_MAX + 1)
    assert other.sequence == 1
    data = await office.site.store.read(1, 0, other.size_bytes)
    await office.hub.store.persist([IncomingChunk(offer=other, offset=0, data=data)])
    mine = await office.site.add("by letter", 200, Priority.EMERGENCY)
    await office.run()
    assert set(office.site.released) == {other.bundle_id, mine.bundle_id}


async def test_a_session_finds_what_letters_moved_and_letters_what_a_session_moved() -> None:
    office = PostOffice(KIND)
    await send(office, "by letter")
    waits = await office.site.add("photograph", PAID_BUNDLE_BYTES_MAX + 1)
    contact = meet(office.site.store, office.hub.store)
    assert contact.node.sent_bytes < PAID_BUNDLE_BYTES_MAX + 400
    assert office.hub.store.holds(waits.bundle_id)
    last = await send(office, "by letter again")
    assert office.site.released[-1] == last.bundle_id
    assert (office.site.written, office.hub.written) == (2, 2)
    assert (await office.site.store.open_session()).stored == RangeSet(((1, 4),))
