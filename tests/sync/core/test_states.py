"""The table of states: complete, without dead ends, and closed to every step it does not list."""

from __future__ import annotations

import pytest

from protocol.bare_channel import BareChannel, encode_message
from protocol.channel import Phase
from protocol.frames import Bye
from protocol.framing import encode_frame
from sync.core import LocalError, Session, SessionTerms
from sync.core.states import ACQUAINTED, INITIAL, TRANSITIONS, UNHEARD, Course, Role, State, Trigger
from sync.stores import MemoryStore

from ..stores.contract import add
from .simulated_contact import Contact, meet, new_store, run_now
from .test_hostile_peers import hello


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
def test_a_goodbye_may_be_said_wherever_both_are_acquainted(role: Role) -> None:
    for state in ACQUAINTED:
        assert TRANSITIONS[role][state][Trigger.BYE_SAID] is State.PARTING


@pytest.mark.parametrize("role", Role)
def test_no_state_but_the_last_is_a_dead_end(role: Role) -> None:
    assert [state for state, steps in TRANSITIONS[role].items() if not steps] == [State.ENDED]


Step = tuple[Role, State, Trigger]


class Walk:
    """Sessions whose every step is written down."""

    def __init__(self) -> None:
        self.steps: set[Step] = set()

    def watch(self, session: Session, role: Role) -> Session:
        course = session._course
        advance = course.advance

        def recorded(trigger: Trigger) -> None:
            self.steps.add((role, course.state, trigger))
            advance(trigger)

        course.__dict__["advance"] = recorded
        return session

    def contact(self, node: MemoryStore, hub: MemoryStore, *, until: float = float("inf")) -> Contact:
        """A contact, up to some moment; the stores are not changed."""
        ends = [new_store(number) for number in (1, 2)]
        for end, store in zip(ends, (node, hub), strict=True):
            end.restore(store.snapshot())
        contact = Contact(ends[0], ends[1])
        self.watch(contact.node.session, Role.DIALER)
        self.watch(contact.hub.session, Role.LISTENER)
        return contact.run(until=until)

    def alone(self, role: Role) -> Session:
        """A session that no peer has spoken to, over a link that seals by itself."""
        session = Session(role=role, channel=BareChannel(), terms=SessionTerms(), now=0.0)
        return self.watch(session, role)


def forked() -> tuple[MemoryStore, MemoryStore]:
    """A node and a hub that mean different bundles by one number, and have to compare."""
    node, twin, hub = new_store(1), new_store(3), new_store(2)
    twin.restore(node.snapshot())
    for number in range(4):
        run_now(add(node, f"up {number}", 300))
        run_now(add(twin, f"twin {number}", 300))
    meet(twin, hub)
    return node, hub


def test_each_step_of_the_table_is_taken_by_some_session_and_no_other() -> None:
    walk = Walk()
    plain = new_store(1), new_store(2)
    run_now(add(plain[0], "up", 300))
    for node, hub in (plain, forked()):
        walk.contact(node, hub)
        for tenth in range(40):
            for at_hub in (False, True):
                contact = walk.contact(node, hub, until=tenth / 10)
                end = contact.hub if at_hub else contact.node
                end.session.part("for the test", contact.now)
                contact.run()
                broken = walk.contact(node, hub, until=tenth / 10)
                (broken.hub if at_hub else broken.node).session.lost("for the test", broken.now)
    for role in Role:
        walk.alone(role).lost("the link broke at once", 0.0)
    for words in (encode_frame(hello()), encode_frame(hello()) + encode_frame(Bye())):
        listener = walk.alone(Role.LISTENER)
        listener.receive(encode_message(Phase.FRESH, words), 0.0)
        listener.lost("the link broke while custody was being opened", 0.0)
    table = {
        (role, state, trigger)
        for role, states in TRANSITIONS.items()
        for state, steps in states.items()
        for trigger in steps
    }
    assert {"never taken": table - walk.steps, "not listed": walk.steps - table} == {
        "never taken": set(),
        "not listed": set(),
    }
