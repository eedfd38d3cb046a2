"""Nodes to test with: one is founded and enrolled once, and every test gets its own copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sfnode.config import LinkMode, LinkSettings
from tests.sfnode.node_process import NEW_CASE, NodeProcess
from tests.sfnode.stand_in_hub import StandInHub

HUB_URL = "http://127.0.0.1:9"
"""The discard port: nobody listens there."""


@dataclass(frozen=True)
class Enrolled:
    """A folder that is set up, and the hub whose keys it holds."""

    folder: Path
    hub: StandInHub


@pytest.fixture(scope="session")
def enrolled_once(tmp_path_factory: pytest.TempPathFactory) -> Enrolled:
    folder = tmp_path_factory.mktemp("enrolled") / "node"
    node, hub = NodeProcess.at(folder), StandInHub()
    node.found()
    request, response = folder / "request", folder / "response"
    node.ask("enrol", "--code", hub.code, "--request-out", str(request))
    response.write_bytes(hub.answer(request.read_bytes()))
    node.ask("enrol", "--response-in", str(response), "--hub", HUB_URL)
    node.stop()
    node.set_link(LinkSettings(hub_url=HUB_URL, mode=LinkMode.MANUAL))
    return Enrolled(folder, hub)


@pytest.fixture
def enrolled(enrolled_once: Enrolled, tmp_path: Path) -> Enrolled:
    folder = tmp_path / "node"
    shutil.copytree(enrolled_once.folder, folder)
    return Enrolled(folder, enrolled_once.hub)


@pytest.fixture
def node(enrolled: Enrolled) -> Iterator[NodeProcess]:
    """Enrolled, its vault locked, nobody serving it yet."""
    node = NodeProcess.at(enrolled.folder)
    try:
        yield node
    finally:
        node.stop()


@pytest.fixture(scope="module")
def shared_node(
    enrolled_once: Enrolled, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[NodeProcess, str]]:
    """Unlocked, with one case, for tests that only ask for what is refused."""
    folder = tmp_path_factory.mktemp("shared") / "node"
    shutil.copytree(enrolled_once.folder, folder)
    node = NodeProcess.at(folder)
    try:
        yield node, node.ask(*NEW_CASE)["case"]
    finally:
        node.stop()


@pytest.fixture
def bare_node(tmp_path: Path) -> Iterator[NodeProcess]:
    """An empty folder."""
    node = NodeProcess.at(tmp_path / "bare")
    try:
        yield node
    finally:
        node.stop()
