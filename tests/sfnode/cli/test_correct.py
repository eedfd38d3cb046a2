"""`sfnode note correct` and `sfnode question answer` against a real daemon."""

from __future__ import annotations

from tests.sfnode.node_process import NEW_CASE, NodeProcess


def test_a_note_is_named_shown_and_put_right(shared_node: tuple[NodeProcess, str]) -> None:
    node, _ = shared_node
    case: str = node.ask(*NEW_CASE)["case"]
    node.ask("note", "add", case, "--text", "BP 98/60 right arm.")
    (note,) = node.ask("case", "show", case)["note_views"]
    name = note["record"][:8]
    assert f"BP 98/60 right arm.  ({name})" in node.run("case", "show", case).out
    saved = node.ask("note", "correct", case, name, "--text", "BP 92/58 right arm.")
    assert len(saved["records"]) == 1
    shown = node.run("case", "show", case).out
    assert 'BP 92/58 right arm. [CORRECTED, before it said: "BP 98/60 right arm."]' in shown
    again = node.run("note", "correct", case, name, "--text", "BP 90/50.")
    assert (again.status, "was corrected already" in again.err) == (4, True)
    unknown = node.run("note", "correct", case, "ffffffff", "--text", "BP 90/50.")
    assert (unknown.status, "`sfnode case show` names them" in unknown.err) == (3, True)


def test_what_was_not_asked_is_not_answered(shared_node: tuple[NodeProcess, str]) -> None:
    node, case = shared_node
    ran = node.run("question", "answer", case, "4", "yes")
    assert (ran.status, "The hub has not asked '4' in this case." in ran.err) == (3, True)
