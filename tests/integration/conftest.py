"""Hub and node, enrolled with each other once; every test gets its own copy of both folders, and a gate."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sfnode.config import LinkMode, LinkSettings
from tests.integration.gate import Gate
from tests.integration.hub_process import HubProcess
from tests.sfnode.node_process import NEW_CASE, VITALS, NodeProcess

ASPIRIN = """
[[item]]
item = 1
name = "Aspirin"
strength = "300 mg"
form = "tablet"
quantity = 40
"""


LOOKS_MAX = 20
TEST_S = 300
"""Dozens of processes start in each of these tests: on a machine that is busy with other things, a minute is
no bound of theirs."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever has no limit of its own."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_S))


@dataclass
class Consult:
    """One hub, one site, and the door between them."""

    folder: Path
    hub: HubProcess
    node: NodeProcess
    gate: Gate
    case: str = ""

    def new_case(self, *, photo: bool = True) -> None:
        """A draft with a note, vitals and, if wanted, a photograph."""
        self.case = self.node.ask(*NEW_CASE, "--note", "Crushing chest pain since 02:10.")["case"]
        self.node.ask("vitals", "add", self.case, *VITALS)
        if photo:
            picture = self.folder / "ecg.png"
            # Noise is the worst that a photograph can be: its layers fill their budgets.
            Image.effect_noise((1200, 900), 80).save(picture)
            self.node.ask("photo", "add", self.case, str(picture), "--caption", "paper ECG")

    def send(self) -> Any:
        """Queue it; what `send` says of it."""
        return self.node.ask("send", self.case)

    def at_hub(self, wanted: Callable[[Any], object] = lambda shown: True) -> Any:
        """The case as the hub shows it, once it is as wanted: opening what is stored takes it a moment."""
        shown = None
        for _ in range(LOOKS_MAX):
            ran = self.hub.run("case", "show", self.case, "--json")
            if ran.status == 0 and wanted(shown := ran.data):
                return shown
        raise AssertionError(shown or "the hub does not know the case")


@pytest.fixture(scope="session")
def enrolled_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    hub, node = HubProcess(folder / "hub"), NodeProcess.at(folder / "site")
    hub.found()
    hub.serve()
    try:
        code = hub.ask("enrol", "new", "--site", "MV EXAMPLE")["code"]
        node.found()
        node.ask("enrol", "--hub", hub.url, "--code", code)
        (folder / "aboard.toml").write_text(ASPIRIN)
        node.ask("capability", "set", str(folder / "aboard.toml"))
        assert node.ask("sync", "--once")["complete"]
    finally:
        node.stop()
        hub.stop()
    return folder


@pytest.fixture
def consult(enrolled_pair: Path, tmp_path: Path) -> Iterator[Consult]:
    """Both run, the vault is locked, the link is dialled only when a test says so."""
    folder = tmp_path / "pair"
    shutil.copytree(enrolled_pair, folder)
    hub, node = HubProcess(folder / "hub"), NodeProcess.at(folder / "site")
    hub.serve()
    gate = Gate(hub.port)
    try:
        node.set_link(LinkSettings(hub_url=gate.url, mode=LinkMode.MANUAL))
        yield Consult(folder, hub, node, gate)
    finally:
        node.stop()
        gate.close()
        hub.stop()
