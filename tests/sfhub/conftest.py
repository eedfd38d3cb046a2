"""A hub in a folder of its own, and a site that is enrolled with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.actors import Role
from sfhub.app import Hub, init_hub, open_hub
from sfhub.config import HubFolder, HubIdentity
from sfhub.storage.people import Clinician
from tests.sfhub.site import Site, TestClock

IDENTITY = HubIdentity("Example Health", "Main desk")


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def folder(tmp_path: Path) -> HubFolder:
    folder = HubFolder(tmp_path / "hub")
    init_hub(folder, IDENTITY)
    return folder


@pytest.fixture
async def hub(folder: HubFolder, clock: TestClock) -> AsyncIterator[Hub]:
    async with open_hub(folder, clock) as hub:
        yield hub


@pytest.fixture
async def site(hub: Hub) -> Site:
    site = Site("MV ARGO", seed=1)
    await site.enrol(hub)
    return site


@pytest.fixture
async def doctor(hub: Hub) -> Clinician:
    return await hub.people.add("Specialist on duty", Role.SPECIALIST)
