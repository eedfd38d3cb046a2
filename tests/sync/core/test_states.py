"""The table of states: complete, without dead ends, and closed to every step it does not list."""

from __future__ import annotations

import pytest

from sync.core import LocalError
from sync.core.states import EXCHANGING, INITIAL, TRANSITIONS, UNHEARD, Course, Role, State, Trigger


def reachable(role: Role, start: State) -> set[State]:
    found, left = {start}, [start]
    while left:
        for state in TRANSITIONS[role][left.pop()].values():
            if state not in found:
                found.add(state)
                left.append(state)
    return found


@pytest.mark.parametrize("role", Role)
def test_every_listed_state_is_reached_and_leads_to_the_end(role: Role) -> None:
    assert reachable(role, INITIAL[role]) == set(TRANSITIONS[role])
    for state in TRANSITIONS[role]:
        assert State.ENDED in reachable(role, state)
    assert TRANSITIONS[role][State.ENDED] == {}


@pytest.mark.parametrize("role", Role)
def test_a_session_can_be_over_in_any_state(role: Role) -> None:
    for state, steps in TRANSITIONS[role].items():
        assert state is State.ENDED or steps[Trigger.OVER] is State.ENDED


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("trigger", Trigger)
def test_a_step_that_is_not_listed_is_our_error(role: Role, trigger: Trigger) -> None:
    for state, steps in TRANSITIONS[role].items():
        course = Course(role)
        course.state = state
        if trigger in steps:
            course.advance(trigger)
            assert course.state is steps[trigger]
        else:
            with pytest.raises(LocalError, match="cannot take"):
                course.advance(trigger)
            assert course.state is state


@pytest.mark.parametrize("role", Role)
def test_a_hello_is_heard_exactly_where_it_is_waited_for(role: Role) -> None:
    listed = TRANSITIONS[role]
    assert {
        state for state, steps in listed.items() if Trigger.HELLO_HEARD in steps
    } == UNHEARD & listed.keys()


@pytest.mark.parametrize("role", Role)
def test_a_goodbye_may_be_said_wherever_bundles_move(role: Role) -> None:
    for state in EXCHANGING & TRANSITIONS[role].keys():
        assert TRANSITIONS[role][state][Trigger.BYE_SAID] is State.PARTING
