"""docs/session-states.md as the code has it: `python -m tests.docs.session_states` writes the page anew."""

from __future__ import annotations

from collections.abc import Iterator

from sync.core.states import INITIAL, TRANSITIONS, Role, State
from tests.docs.pages import DOCS

PAGE = DOCS / "session-states.md"
HEAD = """# The states of a session

Written from `sync.core.states` by `python -m tests.docs.session_states`; `tests/docs/test_session_states.py`
holds it to the code. What the frames say is in [wire-format-sessions.md](wire-format-sessions.md) §9. Each
step below is taken by a session of `tests/sync/core/test_states.py`, and no session there takes another one.
All else that a session remembers refines one of these states.
"""
_WHO = {
    Role.DIALER: "Who opened the link: it greets first, and hangs up when both sides have nothing left.",
    Role.LISTENER: "Who was called: it opens custody once it knows by whom.",
}


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for role in Role:
        lines += [f"## The {role.value}", "", _WHO[role], "", *_diagram(role), "", *_table(role), ""]
    return "\n".join(lines).rstrip() + "\n"


def _diagram(role: Role) -> Iterator[str]:
    yield from ("```mermaid", "stateDiagram-v2")
    yield f"    [*] --> {_name(INITIAL[role])}"
    for state, steps in TRANSITIONS[role].items():
        for trigger, following in steps.items():
            yield f"    {_name(state)} --> {_name(following)}: {_label(trigger.name)}"
    yield from (f"    {_name(State.ENDED)} --> [*]", "```")


def _table(role: Role) -> Iterator[str]:
    yield from ("| state | it means | step | it is taken when | next |", "|---|---|---|---|---|")
    for state, steps in TRANSITIONS[role].items():
        for trigger, following in steps.items():
            name, step = _label(state.name), _label(trigger.name)
            yield f"| {name} | {state.value} | {step} | {trigger.value} | {_label(following.name)} |"


def _name(state: State) -> str:
    return state.name.capitalize()


def _label(name: str) -> str:
    return name.lower().replace("_", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
