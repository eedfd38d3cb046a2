"""`sfhub question` without a server: what can be asked, and asking it."""

from __future__ import annotations

from pathlib import Path

from protocol.catalogue import catalogue
from tests.sfhub.cli.test_erase import hub_with_a_case
from tests.sfhub.hub_process import result, sfhub


async def test_a_question_of_the_list_is_asked_by_its_number(tmp_path: Path) -> None:
    case = await hub_with_a_case(tmp_path)
    listed = {row["code"]: row["texts"]["en"] for row in result(tmp_path, "question", "list")}
    assert listed == {code: known.text() for code, known in catalogue().questions.items()}
    by = ("--by", "specialist on duty")
    sent = result(tmp_path, "question", "ask", case, "4", "1", *by, "--within-min", "30")
    assert (sent["case"], sent["what"]) == (case, "2 questions")
    shown = sfhub(tmp_path, "case", "show", case).stdout.decode()
    assert f"asked (open, on its way): {listed[4]}" in shown
    for code, status, words in (
        ("60000", 2, b"The catalogue has no question 60000"),
        ("four", 2, b"Invalid"),
    ):
        refused = sfhub(tmp_path, "question", "ask", case, code, *by)
        assert (refused.returncode, words in refused.stderr) == (status, True)
