"""Who is dialled over what: each rule in a table, and its laws over any situation."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.header import Priority
from protocol.ids import Pseudonym
from sync.scheduler import (
    Attempts,
    Backlog,
    Current,
    Decision,
    HeldBy,
    LinkMode,
    LinkNow,
    PairNow,
    ask,
    ask_instead,
    decide,
)
from sync.scheduler.choice import DEAR_AFTER_S
from sync.scheduler.policy import (
    EMERGENCY_DIAL_S,
    RESERVE_POLL_S,
    SILENCE_BYTES,
    SILENCE_S,
    TRY_BETTER_S,
)
from tests.sync.scheduler.links import HUB, NOW_S, down, lband, link, pair, vsat

EMERGENCY, URGENT, ROUTINE, BULK = Priority


def over(decision: Decision) -> str | None:
    return decision.dials[0].link if decision.dials else None


@pytest.mark.parametrize(
    ("waiting", "vsat_attempts", "expected"),
    [
        ({}, None, None),
        ({ROUTINE: 4_000}, None, "vsat"),
        ({URGENT: 4_000}, None, "vsat"),
        ({EMERGENCY: 800}, None, "vsat"),
        # A cheap link that blinks is waited for, as long as the class can wait.
        ({ROUTINE: 4_000}, down(for_s=DEAR_AFTER_S[ROUTINE] - 1), None),
        ({ROUTINE: 4_000}, down(for_s=DEAR_AFTER_S[ROUTINE]), "lband"),
        ({URGENT: 4_000}, down(for_s=DEAR_AFTER_S[URGENT] - 1), None),
        ({URGENT: 4_000}, down(for_s=DEAR_AFTER_S[URGENT]), "lband"),
        ({BULK: 4_000}, down(for_s=DEAR_AFTER_S[ROUTINE]), None),
        ({EMERGENCY: 800}, down(for_s=1.0), "lband"),
        # However long it has failed: when its pause is over it is tried again first.
        ({ROUTINE: 4_000}, down(for_s=90_000, tried_s=101.0), "vsat"),
        # But no emergency waits for such a try.
        ({EMERGENCY: 800}, down(for_s=90_000, tried_s=101.0), "lband"),
    ],
)
def test_cheapest_that_works_and_fastest_for_an_emergency(
    waiting: dict[Priority, int], vsat_attempts: Attempts | None, expected: str | None
) -> None:
    attempts = {} if vsat_attempts is None else {"vsat": vsat_attempts}
    decision = decide([lband(), vsat()], [pair(waiting=waiting, attempts=attempts)], NOW_S)
    assert over(decision) == expected
    assert decision.look_at_s > NOW_S


def test_the_dear_link_is_thought_of_again_when_patience_ends() -> None:
    waits = pair(waiting={ROUTINE: 4_000}, attempts={"vsat": down(for_s=590.0, pause_s=1e6)})
    assert decide([vsat(), lband()], [waits], NOW_S).look_at_s == NOW_S + 10.0


def test_what_goes_along_with_an_emergency_does_not_cost_more_than_it_must() -> None:
    fast_and_dear = lband(rate_bytes_s=1e6, rtt_s=0.05)
    waits = pair(waiting={EMERGENCY: 800, ROUTINE: 50_000})
    (dial,) = decide([vsat(), fast_and_dear], [waits], NOW_S).dials
    assert (dial.link, dial.floor) == ("lband", EMERGENCY)
    (dial,) = decide([vsat()], [waits], NOW_S).dials
    assert (dial.link, dial.floor) == ("vsat", BULK)


def test_below_its_floor_a_link_carries_nothing_and_says_so() -> None:
    decision = decide([lband(floor=URGENT)], [pair(waiting={ROUTINE: 10})], NOW_S)
    assert over(decision) is None
    assert decision.held[0].by == (("lband", HeldBy.FLOOR),)
    assert decision.held[0].backlog == Backlog(1, 10)
    (dial,) = decide([lband(floor=URGENT)], [pair(waiting={URGENT: 10})], NOW_S).dials
    assert dial.floor is URGENT


def test_a_spent_cap_holds_all_but_emergencies() -> None:
    spent = lband(cap_usd=4.0, spent_usd=2.999)
    decision = decide([spent], [pair(waiting={URGENT: 100})], NOW_S)
    assert over(decision) is None
    assert decision.held[0].by == (("lband", HeldBy.CAP),)
    assert NOW_S < decision.look_at_s < math.inf
    (dial,) = decide([spent], [pair(waiting={EMERGENCY: 100, URGENT: 100})], NOW_S).dials
    assert (dial.floor, dial.allowance.is_limited, dial.beyond_cap) == (EMERGENCY, False, False)
    used_up = lband(cap_usd=4.0, spent_usd=4.5)
    (dial,) = decide([used_up], [pair(waiting={EMERGENCY: 100})], NOW_S).dials
    assert dial.beyond_cap


def test_a_contact_may_spend_what_is_left_without_the_reserve() -> None:
    (dial,) = decide([lband(cap_usd=4.0, spent_usd=1.0)], [pair(waiting={ROUTINE: 100})], NOW_S).dials
    assert dial.allowance.usd == pytest.approx(2.0)
    (dial,) = decide([lband(cap_bytes=100_000, spent_bytes=5_000)], [pair(waiting={ROUTINE: 9})], NOW_S).dials
    assert dial.allowance.size_bytes == pytest.approx(70_000)


def test_a_day_that_was_closed_stays_closed() -> None:
    assert over(decide([lband(cap_usd=4.0, is_closed=True)], [pair(waiting={ROUTINE: 9})], NOW_S)) is None


def test_looks_go_over_the_link_whose_turn_it_is_and_the_cheapest_of_several() -> None:
    links = [lband(poll_s=900.0), vsat(poll_s=900.0)]
    assert over(decide(links, [pair(good_s=NOW_S - 899)], NOW_S)) is None
    assert decide(links, [pair(good_s=NOW_S - 899)], NOW_S).look_at_s == NOW_S + 1
    assert over(decide(links, [pair(good_s=NOW_S - 900)], NOW_S)) == "vsat"
    vsat_fails = pair(good_s=NOW_S - 900, attempts={"vsat": down(for_s=60.0)})
    assert over(decide(links, [vsat_fails], NOW_S)) == "lband"


def test_an_emergency_is_looked_after_until_long_after_it_was_asked() -> None:
    """An answer waits at most half as long as people took for it; after hours the usual pace is back."""
    link, asked_s, looks = lband(poll_s=3_600.0), NOW_S, [NOW_S]
    while looks[-1] < asked_s + 4 * 3_600.0:
        looks.append(decide([link], [pair(good_s=looks[-1], asked_s=asked_s)], looks[-1]).look_at_s)
    assert looks[1] == asked_s + 60.0
    assert all(after - before <= max(60.0, (before - asked_s) / 2) for before, after in pairwise(looks[:-2]))
    assert looks[-1] - looks[-2] == 3_600.0
    assert len(looks) < 20


def test_looks_for_an_answer_never_come_less_often_than_others_and_keep_the_cap() -> None:
    asked = pair(good_s=NOW_S - 30.0, asked_s=NOW_S - 30.0)
    assert decide([vsat(poll_s=45.0)], [asked], NOW_S).look_at_s == NOW_S + 15.0
    spent = lband(cap_usd=4.0, is_closed=True, poll_s=60.0)
    assert decide([spent], [asked], NOW_S).look_at_s >= NOW_S - 30.0 + 1_800.0
    held = vsat(mode=LinkMode.HOLD, poll_s=900.0)
    assert decide([held], [replace(asked, let_go_s=NOW_S - 30.0)], NOW_S).look_at_s == NOW_S + 870.0


@pytest.mark.parametrize("mode", [LinkMode.POLL, LinkMode.HOLD])
def test_a_look_over_a_link_for_emergencies_alone_keeps_the_cap(mode: LinkMode) -> None:
    narrow = lband(cap_usd=4.0, spent_usd=1.0, floor=EMERGENCY, mode=mode, poll_s=900.0)
    (dial,) = decide([narrow], [pair(good_s=NOW_S - 900.0)], NOW_S).dials
    assert dial.allowance.usd == 2.0
    (urgent,) = decide([narrow], [pair(waiting={EMERGENCY: 100})], NOW_S).dials
    assert urgent.allowance.is_limited is (mode is LinkMode.HOLD)


def test_a_link_to_be_held_is_dialled_at_once_unless_the_peer_has_let_go() -> None:
    held = vsat(mode=LinkMode.HOLD)
    (dial,) = decide([held], [pair()], NOW_S).dials
    assert dial.stays_open
    assert over(decide([held], [pair(let_go_s=NOW_S - 1)], NOW_S)) is None


def test_manual_links_dial_only_when_asked() -> None:
    manual = lband(mode=LinkMode.MANUAL)
    waits = pair(waiting={EMERGENCY: 100})
    decision = decide([manual], [waits], NOW_S)
    assert over(decision) is None
    assert decision.held[0].by == (("lband", HeldBy.MANUAL),)
    assert over(ask([manual], waits, NOW_S)) == "lband"


def test_asking_overrides_pauses_and_polls_but_no_cap() -> None:
    failing = pair(attempts={"lband": down(for_s=60.0)})
    assert over(ask([lband()], failing, NOW_S)) == "lband"
    assert over(ask([lband(cap_usd=0.0)], failing, NOW_S)) is None


def test_several_peers_are_dialled_at_once_and_each_once() -> None:
    other = replace(pair(waiting={ROUTINE: 10}), pair=Pseudonym(b"hub2"))
    decision = decide([vsat(), lband()], [pair(waiting={EMERGENCY: 10}), other], NOW_S)
    assert [dial.pair for dial in decision.dials] == [HUB, other.pair]


# A contact is under way.


def busy(over_link: str, *, floor: Priority = BULK, stays_open: bool = True, heard: bool = True) -> Current:
    return Current(link=over_link, floor=floor, stays_open=stays_open, heard=heard, began_s=NOW_S)


def test_a_contact_under_way_takes_along_what_comes() -> None:
    waits = pair(waiting={EMERGENCY: 10, ROUTINE: 10}, current=busy("vsat"))
    assert over(decide([vsat(), lband()], [waits], NOW_S)) is None


def test_the_dear_contact_parts_when_a_cheaper_link_comes_up() -> None:
    links = [lband(mode=LinkMode.HOLD), vsat(mode=LinkMode.HOLD)]
    (dial,) = decide(links, [pair(current=busy("lband"))], NOW_S).dials
    assert (dial.link, dial.replaces) == ("vsat", True)
    (dial,) = decide(links, [pair(waiting={BULK: 10**6}, current=busy("lband"))], NOW_S).dials
    assert (dial.link, dial.replaces) == ("vsat", True)
    assert over(decide(links, [pair(current=busy("vsat"))], NOW_S)) is None


def test_nobody_disturbs_a_contact_that_carries_an_urgent_case() -> None:
    for urgent in (EMERGENCY, URGENT):
        waits = pair(waiting={urgent: 10}, current=busy("lband"))
        assert over(decide([lband(), vsat(mode=LinkMode.HOLD)], [waits], NOW_S)) is None


def test_a_better_link_that_failed_is_tried_seldom_while_another_works() -> None:
    links = [lband(mode=LinkMode.HOLD), vsat(mode=LinkMode.HOLD)]
    lately = {"vsat": down(for_s=9_000, tried_s=TRY_BETTER_S - 1)}
    assert over(decide(links, [pair(current=busy("lband"), attempts=lately)], NOW_S)) is None
    long_ago = {"vsat": down(for_s=9_000, tried_s=TRY_BETTER_S)}
    assert over(decide(links, [pair(current=busy("lband"), attempts=long_ago)], NOW_S)) == "vsat"


def test_an_emergency_does_not_wait_for_a_link_that_does_not_answer() -> None:
    links = [vsat(), lband()]
    silent = pair(waiting={EMERGENCY: 10}, current=busy("vsat", heard=False))
    decision = decide(links, [silent], NOW_S)
    assert (over(decision), decision.look_at_s) == (None, NOW_S + EMERGENCY_DIAL_S)
    (dial,) = decide(links, [silent], NOW_S + EMERGENCY_DIAL_S).dials
    assert (dial.link, dial.replaces) == ("lband", True)
    routine = pair(waiting={ROUTINE: 10}, current=busy("vsat", heard=False))
    assert over(decide(links, [routine], NOW_S + EMERGENCY_DIAL_S)) is None


def test_an_emergency_does_not_wait_for_a_contact_that_answers_no_more() -> None:
    links = [vsat(), lband()]
    patience_s = SILENCE_S + 2 * 0.6 + SILENCE_BYTES / 64_000
    silent = replace(busy("vsat"), silent_since_s=NOW_S)
    waits = pair(waiting={EMERGENCY: 10}, current=silent)
    decision = decide(links, [waits], NOW_S + patience_s - 0.01)
    assert over(decision) is None
    assert decision.look_at_s == pytest.approx(NOW_S + patience_s)
    (dial,) = decide(links, [waits], NOW_S + patience_s).dials
    assert (dial.link, dial.floor, dial.replaces, dial.abandons) == ("lband", EMERGENCY, True, True)
    # Nobody else is there, or not yet: it is looked at again.
    for others in ([], [lband(mode=LinkMode.MANUAL)]):
        assert over(decide([vsat(), *others], [waits], NOW_S + 100)) is None
    paused = replace(waits, attempts={"lband": down(for_s=60.0, tried_s=-95.0)})
    assert over(decide(links, [paused], NOW_S + 100)) is None
    assert decide(links, [paused], NOW_S + 100).look_at_s <= NOW_S + 100 + SILENCE_S
    # Who hears the peer, or has nothing urgent, stays.
    for calm in (
        replace(waits, current=busy("vsat")),
        replace(waits, waiting={URGENT: Backlog(1, 10)}),
    ):
        assert over(decide(links, [calm], NOW_S + 100)) is None


def test_what_a_person_has_asked_for_is_left_for_a_manual_link_too() -> None:
    links = [vsat(), lband(mode=LinkMode.MANUAL)]
    waits = pair(waiting={EMERGENCY: 10}, current=replace(busy("vsat"), silent_since_s=NOW_S))
    assert over(ask_instead(links, waits, NOW_S + 100)) == "lband"
    assert ask_instead(links, waits, NOW_S).look_at_s <= NOW_S + 10
    assert ask_instead(links, replace(waits, current=None), NOW_S) == Decision()
    assert ask_instead(links, replace(waits, waiting={}), NOW_S).look_at_s == math.inf


def test_no_contact_is_kept_open_past_the_cap_nor_without_a_limit() -> None:
    urgent = pair(waiting={EMERGENCY: 100})
    for floor in (EMERGENCY, BULK):
        held = lband(mode=LinkMode.HOLD, cap_usd=4.0, spent_usd=1.0, floor=floor)
        (dial,) = decide([held], [urgent], NOW_S).dials
        assert dial.stays_open
        assert dial.allowance.usd == pytest.approx(2.0)
    (dial,) = decide([lband(mode=LinkMode.HOLD, cap_usd=4.0, spent_usd=3.0)], [urgent], NOW_S).dials
    assert (dial.stays_open, dial.allowance.is_limited) == (False, False)


def test_past_the_cap_a_held_link_too_looks_but_seldom() -> None:
    spent = lband(mode=LinkMode.HOLD, poll_s=60.0, cap_usd=4.0, is_closed=True)
    decision = decide([spent], [pair(good_s=NOW_S - 100)], NOW_S)
    assert (over(decision), decision.look_at_s) == (None, NOW_S - 100 + RESERVE_POLL_S)


def test_a_narrow_contact_that_is_kept_open_makes_room_for_what_it_does_not_carry() -> None:
    links = [lband(mode=LinkMode.HOLD, floor=URGENT), link("dialup", usd_per_minute=1.0)]
    waits = pair(waiting={ROUTINE: 10}, current=busy("lband", floor=URGENT))
    (dial,) = decide(links, [waits], NOW_S).dials
    assert (dial.link, dial.replaces) == ("dialup", True)


# Laws.

PRICES = st.sampled_from([0.0, 0.5, 8.0])
MOMENTS = st.floats(0, NOW_S)
LINKS = st.lists(
    st.builds(
        link,
        st.sampled_from(["a", "b", "c", "d"]),
        usd_per_megabyte=PRICES,
        usd_per_minute=PRICES,
        cap_usd=st.sampled_from([0.0, 0.01, 2.0, math.inf]),
        cap_bytes=st.sampled_from([0, 10_000, math.inf]),
        spent_usd=st.sampled_from([0.0, 1.0, 3.0]),
        spent_bytes=st.sampled_from([0, 20_000]),
        is_closed=st.booleans(),
        mode=st.sampled_from(LinkMode),
        floor=st.sampled_from(Priority),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each.name,
)
ATTEMPTS = st.builds(
    Attempts, failures=st.integers(0, 9), failed_s=MOMENTS, pause_s=st.floats(1, 150), down_since_s=MOMENTS
)
PAIRS = st.builds(
    pair,
    waiting=st.dictionaries(st.sampled_from(Priority), st.integers(1, 10**7)),
    attempts=st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), ATTEMPTS),
    good_s=MOMENTS,
)


def named(links: list[LinkNow], name: str) -> LinkNow:
    return next(each for each in links if each.name == name)


@given(LINKS, PAIRS)
def test_an_emergency_goes_as_soon_as_any_link_may_be_dialled(links: list[LinkNow], waits: PairNow) -> None:
    waits = replace(waits, waiting={**waits.waiting, EMERGENCY: Backlog(1, 500)})
    decision = decide(links, [waits], NOW_S)
    dialling = [each for each in links if each.terms.mode is not LinkMode.MANUAL]
    ready = [each for each in dialling if waits.over(each).ready_s(EMERGENCY) <= NOW_S]
    if ready:
        (dial,) = decision.dials
        assert dial.floor is EMERGENCY or dial.allowance.pays(
            usd=named(links, dial.link).forecast(500).usd, size_bytes=500
        )
    elif dialling:
        # No emergency waits longer for a second try than an operator would.
        assert decision.look_at_s <= NOW_S + 15.0
    assert not dialling or EMERGENCY not in [each.priority for each in decision.held]


@given(LINKS, PAIRS)
def test_nothing_else_goes_below_a_floor_or_beyond_a_cap(links: list[LinkNow], waits: PairNow) -> None:
    for decision in (decide(links, [waits], NOW_S), ask(links, waits, NOW_S)):
        for dial in decision.dials:
            used = named(links, dial.link)
            if dial.floor is not EMERGENCY:
                assert dial.floor <= used.terms.floor
                assert dial.allowance == used.terms.cap.left(used.spent)
                assert used.may_look()
            else:
                assert waits.waits(EMERGENCY) or used.may_look() or used.may_look_for_emergencies()


@given(LINKS, PAIRS)
def test_the_answer_to_an_emergency_is_looked_for_until_the_reserve_is_spent_too(
    links: list[LinkNow], waits: PairNow
) -> None:
    calm = replace(waits, waiting={})
    decision = ask(links, calm, NOW_S)
    assert bool(decision.dials) == any(each.may_look_for_emergencies() for each in links)
    for dial in decision.dials:
        used = named(links, dial.link)
        if not used.may_look():
            assert dial.floor is EMERGENCY
            assert dial.allowance == used.terms.cap.left_for_emergencies(used.spent)


@given(LINKS, PAIRS)
def test_what_waits_is_dialled_for_looked_at_again_or_said_to_be_held(
    links: list[LinkNow], waits: PairNow
) -> None:
    decision = decide(links, [waits], NOW_S)
    held = {each.priority for each in decision.held}
    if waits.waiting.keys() - held:
        assert decision.dials or decision.look_at_s < math.inf
    assert all(each.by for each in decision.held)
    assert decision.look_at_s > NOW_S or decision.dials


def post(name: str, *, rtt_s: float, usd_per_megabyte: float = 0.0) -> LinkNow:
    """A link of letters."""
    return link(name, rtt_s=rtt_s, usd_per_megabyte=usd_per_megabyte, is_post=True)


def test_nobody_looks_over_a_link_of_letters() -> None:
    boat = post("boat", rtt_s=500_000.0)
    assert decide([boat], [pair(good_s=-1e9)], NOW_S).dials == ()
    (dial,) = decide([boat, lband()], [pair(good_s=-1e9)], NOW_S).dials
    assert dial.link == "lband"


@pytest.mark.parametrize(
    ("priority", "chosen"),
    [(Priority.URGENT, "sbd"), (Priority.ROUTINE, "sbd"), (Priority.BULK, "boat")],
)
def test_a_boat_that_costs_nothing_is_not_cheap_for_what_cannot_wait(priority: Priority, chosen: str) -> None:
    links = [post("boat", rtt_s=500_000.0), post("sbd", rtt_s=30.0, usd_per_megabyte=400.0)]
    (dial,) = decide(links, [pair(waiting={priority: 800})], NOW_S).dials
    assert dial.link == chosen
    (dial,) = decide(links[:1], [pair(waiting={priority: 800})], NOW_S).dials
    assert dial.link == "boat", "where nothing else is, it is better than nothing"
