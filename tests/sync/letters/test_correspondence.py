"""Custody by letters: whole at the other end whatever the medium does, once, receipted, in few letters."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import ProtocolError
from protocol.header import Priority
from protocol.letters import LETTER_BYTES_MAX, Way, decode_letter, open_letter
from protocol.ranges import RangeSet
from sync.letters.terms import AHEAD_MAX, LETTER_BYTES_MIN, PAID_BUNDLE_BYTES_MAX
from sync.ports import OUTGOING_PAGE, IncomingChunk, Rank

from .post_office import PAIR, SECRET, End, Post, PostOffice, terms_of

KIND = Post(delay_s_min=5.0, delay_s_max=5.0)


async def test_a_headline_takes_one_letter_and_its_receipt_another() -> None:
    office = PostOffice(KIND)
    offer = await office.site.add("headline", 235, Priority.EMERGENCY, Rank.HEADLINE)
    await office.run()
    assert (office.site.written, office.hub.written) == (1, 1)
    assert office.hub.received == office.site.released == [offer.bundle_id]
    assert office.now_s < 2 * KIND.delay_s_max + KIND.interval_s


async def test_nothing_to_say_is_nothing_sent() -> None:
    office = PostOffice(KIND)
    await office.run()
    assert (office.site.written, office.hub.written) == (0, 0)
    await office.site.add("text", 900)
    await office.run()
    written = office.site.written, office.hub.written
    await office.run(office.now_s + 1e6)
    assert (office.site.written, office.hub.written) == written == (4, 1)


async def test_what_is_short_goes_past_any_number_of_photographs() -> None:
    office = PostOffice(KIND)
    for number in range(OUTGOING_PAGE + 3):
        await office.site.add(f"photograph {number}", PAID_BUNDLE_BYTES_MAX + 1, Priority.URGENT)
    offer = await office.site.add("text", 200, Priority.ROUTINE)
    await office.run()
    assert office.site.released == [offer.bundle_id]


async def test_a_reply_comes_by_itself_once_the_site_was_heard() -> None:
    office = PostOffice(KIND)
    await office.hub.add("news", 200)
    await office.run()
    assert office.hub.written == 0, "it cannot know of the medium"
    await office.site.add("case", 200)
    await office.run()
    reply = await office.hub.add("reply", 400)
    await office.run()
    assert reply.bundle_id in office.site.received
    assert set(office.hub.released) == set(office.site.received)


async def test_the_most_urgent_goes_first_although_it_came_last() -> None:
    office = PostOffice(KIND)
    await office.site.add("preview", 4_000, rank=Rank.PREVIEW)
    await office.run(until_s=100.0)
    urgent = await office.site.add("emergency", 200, Priority.EMERGENCY)
    await office.run(until_s=100.0 + KIND.interval_s + KIND.delay_s_max)
    assert office.hub.received == [urgent.bundle_id]


async def test_where_letters_cost_and_only_emergencies_are_wanted_nothing_else_goes_either_way() -> None:
    post = Post()
    office = PostOffice(post, terms_of(post, floor=Priority.EMERGENCY))
    wanted = await office.site.add("text", 700, Priority.EMERGENCY)
    await office.site.add("photograph", 20_000, Priority.EMERGENCY, Rank.STANDARD)
    await office.site.add("urgent", 300, Priority.URGENT)
    await office.run()
    await office.hub.add("urgent reply", 300, Priority.URGENT)
    answer = await office.hub.add("reply", 300, Priority.EMERGENCY)
    await office.run()
    assert office.hub.received == [wanted.bundle_id]
    assert office.site.received == [answer.bundle_id]


async def test_a_lost_answer_costs_one_letter_to_ask_again_where_letters_are_paid_for() -> None:
    office = PostOffice(KIND)
    silent = iter([True])
    office.keeps = lambda end, letter: end is office.site or not next(silent, False)
    await office.site.add("text", 900)
    await office.run()
    assert (office.site.written, office.hub.written) == (5, 2)
    assert len(office.site.released) == 1


async def test_what_was_overtaken_is_waited_for_and_not_written_again() -> None:
    office = PostOffice(KIND, replace(terms_of(KIND), spread_s=30.0))
    late: list[bytes] = []

    def keeps(end: End, letter: bytes) -> bool:
        if end is office.site and not late:
            late.append(letter)
            return False
        return True

    office.keeps = keeps
    await office.site.add("text", 900)
    await office.run(until_s=70.0)
    await office.deliver(office.hub, late[0])
    await office.run()
    assert office.site.written == 4
    assert len(office.hub.received) == 1


async def test_of_what_was_lost_only_the_missing_bytes_go_again() -> None:
    office = PostOffice(KIND)
    lost = iter([False, True])
    office.keeps = lambda end, letter: end is office.hub or not next(lost, False)
    await office.site.add("text", 900)
    await office.run()
    # What a letter says beside has grown by what was heard, so that the missing bytes take two.
    assert (office.site.written, office.hub.written) == (6, 2)
    assert office.site.written_bytes < 900 + 267 + 6 * 90
    assert len(office.site.released) == 1


async def test_words_that_were_lost_go_again_before_the_pictures_are_through() -> None:
    office = PostOffice(KIND, replace(terms_of(KIND), spread_s=45.0))
    lost = iter([False, True])
    office.keeps = lambda end, letter: end is office.hub or not next(lost, False)
    await office.site.add("headline", 170, rank=Rank.HEADLINE)
    text = await office.site.add("text", 700)
    await office.site.add("preview", 4_000, rank=Rank.PREVIEW)
    await office.run(until_s=180.0)
    assert office.hub.store.holds(text.bundle_id)
    await office.run()
    assert len(office.site.released) == 3
    # What was written behind the letter that was answered is not in doubt, and goes once.
    assert (office.site.written, office.hub.written) == (20, 3)


async def test_of_many_unfinished_bundles_the_one_under_way_is_told_of_first() -> None:
    """With room for one of them in a short letter the peer would else write the same bytes for ever."""
    short = terms_of(KIND, letter_bytes_max=LETTER_BYTES_MIN)
    office = PostOffice(KIND, short, short)
    count = 0

    def keeps(end: End, letter: bytes) -> bool:
        nonlocal count
        count += end is office.site
        return end is office.hub or count % 3 > 0

    office.keeps = keeps
    for priority in (Priority.BULK, Priority.ROUTINE, Priority.URGENT, Priority.EMERGENCY):
        await office.site.add(f"text of class {priority}", 900, priority)
        await office.run(office.now_s + 100.0)
    await office.run()
    assert len(office.site.released) == 4
    assert office.site.written_bytes < 4 * 900 * 4


async def test_seven_copies_are_answered_once() -> None:
    office = PostOffice(Post(copies_max=7, seed=3))
    copies: list[bytes] = []

    def keeps(end: End, letter: bytes) -> bool:
        if end is office.site:
            copies.append(letter)
        return True

    office.keeps = keeps
    await office.site.add("headline", 200)
    await office.run()
    for _ in range(7):
        await office.deliver(office.hub, copies[0])
    await office.run()
    assert (office.site.written, office.hub.written) == (1, 1)


@pytest.mark.parametrize("seed", range(6))
async def test_what_may_still_come_is_waited_for_before_the_answer(seed: int) -> None:
    office = PostOffice(Post(interval_s=0.0, seed=seed))
    await office.site.add("text", 900)
    await office.run()
    assert (office.site.written, office.hub.written) == (4, 1)


async def test_to_a_peer_that_is_silent_letters_become_few() -> None:
    office = PostOffice(KIND)
    office.keeps = lambda end, letter: False
    await office.site.add("headline", 200)
    await office.run(until_s=36_000.0)
    assert 5 < office.site.written < 40


async def test_an_emergency_does_not_wait_for_word_of_what_is_less_urgent() -> None:
    office = PostOffice(KIND, replace(terms_of(KIND), answer_s=1e6))
    office.keeps = lambda end, letter: False
    for number in range(3):
        await office.site.add(f"preview {number}", 4_000)
    await office.run(until_s=5_000.0)
    assert office.site.written == AHEAD_MAX
    emergency = await office.site.add("emergency", 200, Priority.EMERGENCY)
    written = await office.site.letters.write(office.now_s)
    assert written is not None
    assert written.offers == (emergency,)


async def test_after_a_restore_numbers_go_on_above_those_that_were_written() -> None:
    office = PostOffice(KIND)
    backup = office.site.store.snapshot()
    for number in range(12):
        await office.site.add(f"forgotten {number}", 700)
        await office.run()
    office.site.store.restore(backup)
    office.site.restart(None)
    written = office.site.written
    await office.site.add("known", 200)
    await office.run()
    assert (await office.site.store.open_session()).pending == ()
    assert office.site.written - written <= 4


async def test_copies_and_old_letters_change_nothing() -> None:
    office = PostOffice(KIND)
    kept: list[tuple[End, bytes]] = []

    def keeps(end: End, letter: bytes) -> bool:
        kept.append((end, letter))
        return True

    office.keeps = keeps
    for number in range(3):
        await office.site.add(f"case {number}", 300)
        await office.hub.add(f"reply {number}", 300)
        await office.run()
    before = [end.store.snapshot() for end in office.ends]
    for end in office.ends:
        end.restart(end.letters.memory)
    for end, letter in kept:
        await office.deliver(office.hub if end is office.site else office.site, letter)
    written = office.site.written + office.hub.written
    await office.run()
    for end, state in zip(office.ends, before, strict=True):
        assert end.store.snapshot().rows == state.rows
        assert (await end.store.open_session()).pending == ()
    assert office.site.written + office.hub.written <= written + 2, "the copies that ask are answered once"


async def test_a_restored_hub_is_brought_what_it_lost() -> None:
    office = PostOffice(KIND)
    await office.site.add("first", 300)
    await office.run()
    backup = office.hub.store.snapshot()
    second = await office.site.add("second", 300)
    await office.run()
    office.hub.store.restore(backup)
    office.hub.restart(None)
    assert not office.hub.store.holds(second.bundle_id)
    await office.site.add("third", 300)
    await office.run()
    assert office.hub.store.holds(second.bundle_id)
    assert (await office.site.store.open_session()).pending == ()


async def test_a_restored_site_begins_a_new_life_and_all_that_it_knows_arrives() -> None:
    office = PostOffice(KIND)
    backup = office.site.store.snapshot()
    for number in range(3):
        await office.site.add(f"forgotten {number}", 300)
    await office.run()
    former = (await office.site.store.open_session()).incarnation
    office.site.store.restore(backup)
    office.site.restart(None)
    known = [await office.site.add(f"known {number}", 300) for number in range(2)]
    await office.run()
    view = await office.site.store.open_session()
    assert view.incarnation != former
    assert view.pending == ()
    assert all(office.hub.store.holds(offer.bundle_id) for offer in known)
    assert [each.incarnation for each in view.foreign] == [former], "to be asked back in the next session"


async def test_a_restored_site_that_gave_out_its_numbers_again_passes_custody_of_none_by_them() -> None:
    office = PostOffice(KIND)
    backup = office.site.store.snapshot()
    await office.site.add("forgotten", 300)
    await office.run()
    former = (await office.site.store.open_session()).incarnation
    office.site.store.restore(backup)
    office.site.restart(None)
    offer = await office.site.add("another", 300)
    assert offer.sequence == 1
    await office.run()
    view = await office.site.store.open_session()
    assert view.incarnation != former
    assert view.pending == ()
    assert office.hub.store.holds(offer.bundle_id)


async def test_an_answer_that_was_overtaken_says_nothing_against_a_newer_one() -> None:
    office = PostOffice(KIND)
    answers: list[bytes] = []

    def keeps(end: End, letter: bytes) -> bool:
        if end is office.hub:
            answers.append(letter)
        return end is office.site or len(answers) > 1

    office.keeps = keeps
    await office.site.add("first", 300)
    await office.run(until_s=60.0)
    await office.site.add("second", 300)
    await office.run()
    assert len(office.site.released) == 2
    await office.deliver(office.site, answers[0])
    assert (await office.site.store.open_session()).pending == ()


async def test_an_answer_of_before_a_restore_passes_no_custody_after_it() -> None:
    office = PostOffice(KIND)
    answers: list[bytes] = []
    is_late = True

    def keeps(end: End, letter: bytes) -> bool:
        if end is office.hub and is_late:
            answers.append(letter)
            return False
        return True

    office.keeps = keeps
    backup = office.hub.store.snapshot()
    first = await office.site.add("first", 300)
    await office.run(until_s=30.0)
    assert office.hub.store.holds(first.bundle_id)
    office.hub.store.restore(backup)
    office.hub.restart(None)
    is_late = False
    second = await office.site.add("second", 200)
    await office.run(until_s=55.0)
    assert office.site.released == [second.bundle_id]
    # The answer that was overtaken says that the first is there, and it no longer is.
    assert not office.hub.store.holds(first.bundle_id)
    read = await office.site.letters.read(answers[0], office.now_s)
    assert read.believed is None
    await office.run()
    assert office.hub.store.holds(first.bundle_id)


async def test_what_another_link_has_brought_meanwhile_is_not_taken_for_lost() -> None:
    office = PostOffice(KIND)
    under_way: list[bytes] = []

    def keeps(end: End, letter: bytes) -> bool:
        if end is office.hub:
            under_way.append(letter)
        return end is office.site

    office.keeps = keeps
    await office.site.add("by letter", 300)
    await office.run(until_s=60.0)
    offer = await office.site.add("by satellite", 300)
    chunk = IncomingChunk(offer=offer, offset=0, data=await office.site.store.read(2, 0, 300))
    await office.hub.store.persist([chunk])
    await office.site.store.mark_stored(RangeSet(((2, 3),)))
    await office.deliver(office.site, under_way[0])
    assert (await office.site.store.open_session()).stored == RangeSet(((1, 3),))


async def test_without_its_memory_a_program_believes_no_answer_to_what_it_wrote_before() -> None:
    office = PostOffice(KIND)
    answers: list[bytes] = []

    def keeps(end: End, letter: bytes) -> bool:
        if end is office.hub:
            answers.append(letter)
        return end is office.site

    office.keeps = keeps
    await office.site.add("text", 300)
    await office.run(until_s=60.0)
    office.site.restart(None)
    await office.deliver(office.site, answers[0])
    assert office.site.released == []
    office.site.restart(None)
    await office.site.add("another", 300)
    assert await office.site.letters.write(office.now_s) is not None
    await office.deliver(office.site, answers[0])
    assert office.site.released == []
    office.keeps = lambda end, letter: True
    await office.run()
    assert len(office.site.released) == 2


async def test_a_letter_of_somebody_else_or_of_our_own_is_refused() -> None:
    office = PostOffice(KIND)
    await office.site.add("text", 200)
    written = await office.site.letters.write(0.0)
    assert written is not None
    letter = written.data
    for wrong in (letter[:-1] + bytes((letter[-1] ^ 1,)), letter[:20], bytes(len(letter))):
        with pytest.raises(ProtocolError):
            await office.hub.letters.read(wrong, 0.0)
    with pytest.raises(ProtocolError):
        await office.site.letters.read(letter, 0.0)
    with pytest.raises(ProtocolError):
        await office.hub.letters.read(bytes((1,)) + bytes(LETTER_BYTES_MAX), 0.0)
    assert office.hub.received == []


async def test_a_bag_of_letters_carries_megabytes() -> None:
    post = Post(interval_s=0.0, delay_s_min=1e5, delay_s_max=2e5)
    bag = terms_of(post, letter_bytes_max=LETTER_BYTES_MAX, is_free=True)
    office = PostOffice(post, bag, bag)
    offers = [await office.site.add(f"photograph {number}", 300_000) for number in range(6)]
    await office.run()
    assert sorted(office.hub.received) == sorted(offer.bundle_id for offer in offers)
    assert sorted(office.site.released) == sorted(office.hub.received)
    assert office.site.written_bytes < 6 * 300_000 * 1.002


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    lost_share=st.sampled_from([0.0, 0.02, 0.3, 0.6]),
    copies_max=st.integers(1, 7),
    sizes=st.lists(st.integers(1, 3_000), min_size=1, max_size=6),
    replies=st.lists(st.integers(1, 1_500), max_size=4),
    is_free=st.booleans(),
    letter_bytes_max=st.sampled_from([160, 340, 1_960]),
)
async def test_whatever_the_post_does_all_arrives_once(
    seed: int,
    lost_share: float,
    copies_max: int,
    sizes: list[int],
    replies: list[int],
    is_free: bool,
    letter_bytes_max: int,
) -> None:
    post = Post(lost_share=lost_share, copies_max=copies_max, delay_s_max=90.0, seed=seed)
    office = PostOffice(
        post,
        terms_of(post, is_free=is_free, letter_bytes_max=letter_bytes_max),
        terms_of(post, letter_bytes_max=min(270, letter_bytes_max), is_free=is_free),
    )
    draw = random.Random(seed)
    added: dict[End, list[bytes]] = {office.site: [], office.hub: []}
    for number, size_bytes in enumerate([*sizes, *replies]):
        end = office.site if number < len(sizes) else office.hub
        offer = await end.add(f"{number}", size_bytes, Priority(draw.randrange(4)))
        added[end].append(offer.bundle_id)
        await office.run(office.now_s + draw.uniform(0, 300))
        if draw.random() < 0.2:
            forgets = end is office.site and draw.random() < 0.5
            end.restart(None if forgets else end.letters.memory)
    await office.run()
    for end, other in (office.ends, office.ends[::-1]):
        assert sorted(other.received) == sorted(added[end]), "each once, and all"
        assert (await end.store.open_session()).pending == ()


async def test_letters_say_who_wrote_them_and_to_whom() -> None:
    office = PostOffice(KIND)
    await office.site.add("text", 200)
    written = await office.site.letters.write(0.0)
    assert written is not None
    letter = written.data
    assert letter[1:5] == PAIR
    head, frames = decode_letter(open_letter(SECRET, Way.FROM_SITE, letter))
    assert (head.asks, head.heard, len(frames)) == (True, None, 1)
