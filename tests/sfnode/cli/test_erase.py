"""`sfnode case erase` against a real daemon: it asks, it erases, it says so, and a kill changes nothing."""

from __future__ import annotations

from tests.sfnode.node_process import NEW_CASE, NodeProcess

REASON = "opened by mistake"


def new_case(node: NodeProcess) -> str:
    case: str = node.ask(*NEW_CASE)["case"]
    return case


def test_erasing_asks_once_more_and_needs_yes_where_it_cannot(shared_node: tuple[NodeProcess, str]) -> None:
    node, _ = shared_node
    case = new_case(node)
    ran = node.run("--no-input", "case", "erase", case, "--reason", REASON)
    assert ran.status == 2
    assert "Add --yes." in ran.err
    refused = node.run("case", "erase", case, "--reason", REASON, stdin="something else\n")
    assert refused.status != 0
    assert node.ask("case", "show", case)["row"]["state"] == "draft"


def test_an_erased_case_is_listed_with_who_when_and_why(shared_node: tuple[NodeProcess, str]) -> None:
    node, other = shared_node
    case = new_case(node)
    erased = node.ask("case", "erase", case, "--reason", REASON, "--yes")
    assert (erased["case"], erased["reason"]) == (case, REASON)
    rows = {row["case"]: row for row in node.ask("case", "list")}
    assert rows[case]["state"] == "erased"
    assert rows[case]["complaint"].endswith(f"by {erased['erased_by']}: {REASON}")
    assert other in rows
    shown = node.run("case", "show", case)
    assert shown.status == 4
    assert "Nothing of it can be read here any more" in shown.err
