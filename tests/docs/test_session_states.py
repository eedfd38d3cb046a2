"""docs/session-states.md draws every state and every step of the table, and nothing else."""

from __future__ import annotations

import re

from sync.core.states import TRANSITIONS, State
from tests.docs.session_states import PAGE, page

_ARROW = re.compile(r"^    (\w+) --> (\w+): ([\w ]+)$", re.MULTILINE)


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.docs.session_states"


def test_each_step_is_drawn_once_for_its_role() -> None:
    arrows = _ARROW.findall(PAGE.read_text(encoding="utf-8"))
    assert sorted(arrows) == sorted(
        (state.name.capitalize(), following.name.capitalize(), trigger.name.lower().replace("_", " "))
        for states in TRANSITIONS.values()
        for state, steps in states.items()
        for trigger, following in steps.items()
    )


def test_each_state_is_explained() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for state in set(State) - {State.ENDED}:
        assert f"| {state.name.lower()} | {state.value} |" in text
