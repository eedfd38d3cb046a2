"""A site with two real hubs over real sockets: cases stay apart, and one being down stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import LOOKS_MAX
from tests.integration.hub_process import HubProcess
from tests.sfnode.node_process import NEW_CASE, NodeProcess

SITE = "MV EXAMPLE"
HOME, BURNS = "Duty desk", "Burns centre"


@dataclass
class Pair:
    """Two hubs, and the site that is enrolled with both."""

    home: HubProcess
    burns: HubProcess
    node: NodeProcess

    def case_with(self, hub: str | None, *, urgency: str = "urgent") -> str:
        """Sent, as far as custody."""
        asked = () if hub is None else ("--hub", hub)
        answers = [urgency if each == "urgent" else each for each in NEW_CASE]
        case: str = self.node.ask(*answers, *asked)["case"]
        self.node.ask("send", case, "--accept-missing")
        return case

    def views(self) -> dict[str, Any]:
        return {view["name"]: view for view in self.node.ask("status")["hubs"]}


def shown_at(hub: HubProcess, case: str) -> bool:
    """Opening what is stored takes a hub a moment."""
    return any(hub.run("case", "show", case, "--json").status == 0 for _ in range(LOOKS_MAX))


@contextmanager
def two_hubs(folder: Path) -> Iterator[Pair]:
    """Both run; links are dialled only when a test says so."""
    home, burns = HubProcess(folder / "home"), HubProcess(folder / "burns")
    node = NodeProcess.at(folder / "site")
    home.found(HOME)
    burns.found(BURNS)
    try:
        node.found()
        for hub in (home, burns):
            hub.serve()
            code = hub.ask("enrol", "new", "--site", SITE)["code"]
            node.ask("site", "enrol", "--hub", hub.url, "--code", code)
        for link in node.ask("link", "list"):
            node.ask("link", "set", link["name"], "--mode", "manual")
        yield Pair(home, burns, node)
    finally:
        node.stop()
        for hub in (home, burns):
            hub.stop()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with two_hubs(tmp_path) as both:
        yield both


@pytest.fixture(scope="module")
def shared_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """For what changes nothing."""
    with two_hubs(tmp_path_factory.mktemp("two")) as both:
        yield both


def test_two_cases_go_to_two_hubs_and_one_that_is_down_keeps_nothing_from_the_other(pair: Pair) -> None:
    assert [(view["name"], view["home"]) for view in pair.node.ask("site", "hubs")] == [
        (HOME, True),
        (BURNS, False),
    ]
    to_home, to_burns = pair.case_with(None), pair.case_with(BURNS)
    report = pair.node.ask("sync", "--once")
    assert report["complete"], report
    assert shown_at(pair.home, to_home)
    assert shown_at(pair.burns, to_burns)
    assert pair.home.run("case", "show", to_burns, "--json").status == 3
    assert pair.burns.run("case", "show", to_home, "--json").status == 3
    rows = {row["case"]: row["hub"] for row in pair.node.ask("case", "list")}
    assert rows == {to_home: HOME, to_burns: BURNS}
    # From here on the home hub is down.
    pair.home.stop()
    emergency, waits = pair.case_with(BURNS, urgency="emergency"), pair.case_with(HOME)
    assert pair.node.run("sync", "--once").status == 5
    assert shown_at(pair.burns, emergency)
    views = pair.views()
    assert views[BURNS]["unsent_count"] == 0
    assert views[HOME]["unsent_count"] > 0
    assert not views[HOME]["link_up"]
    refused = pair.node.run("site", "leave", HOME)
    assert (refused.status, "--abandon" in refused.err) == (4, True)
    left = pair.node.ask("site", "leave", HOME, "--abandon")
    assert left["abandoned"]
    assert [view["name"] for view in pair.node.ask("site", "hubs")] == [BURNS]
    assert pair.node.ask("case", "show", waits)["row"]["state"] == f"{HOME} was left"


def test_without_a_link_nothing_is_said_to_be_on_its_way(pair: Pair) -> None:
    for link in pair.node.ask("link", "list"):
        if link["hub"] == BURNS:
            pair.node.ask("link", "remove", link["name"])
    case = pair.case_with(BURNS)
    assert pair.node.ask("case", "show", case)["row"]["state"] == f"no link to {BURNS}"
    answer = pair.node.run("sync", "--once", "--hub", BURNS)
    assert answer.status == 3
    assert f"No link leads to {BURNS}" in answer.err
    assert any(f"wait for {BURNS}" in notice for notice in pair.node.ask("status")["notices"])
    pair.node.ask("link", "add", "burns", "--hub", BURNS, "--address", pair.burns.url, "--mode", "manual")
    assert pair.node.ask("sync", "--once", "--hub", BURNS)["complete"]
    assert shown_at(pair.burns, case)


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        (("site", "home", "Nobody"), 3, "not enrolled with a hub called 'Nobody'"),
        (("site", "leave", "Nobody"), 3, "Its hubs: Duty desk, Burns centre"),
        (("sync", "--hub", "Nobody"), 3, "not enrolled with a hub called"),
        (("link", "add", "x", "--hub", "Nobody"), 3, "not enrolled with a hub called"),
        (("link", "set", "--hub", "http://a.example", "--address", "http://b.example"), 2, "address once"),
        ((*NEW_CASE, "--hub", "Nobody"), 3, "not enrolled with a hub called"),
        (("site", "enrol", "--hub", "http://a.example", "--code", "X", "--again", "Nobody"), 3, "Its hubs"),
        (("site", "home"), 2, "Missing argument"),
    ],
)
def test_a_hub_that_is_none_is_refused_in_words(
    shared_pair: Pair, command: tuple[str, ...], status: int, words: str
) -> None:
    ran = shared_pair.node.run(*command)
    assert (ran.status, words in ran.err) == (status, True), ran.err
