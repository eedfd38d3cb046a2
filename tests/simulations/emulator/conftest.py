"""Says plainly why the tests of the namespace emulator cannot run here."""

from __future__ import annotations

import pytest

from simulations.emulator import namespace_obstacle


@pytest.fixture
def _namespaces() -> None:
    if obstacle := namespace_obstacle():
        pytest.skip(f"The emulator's namespaces were not tested: {obstacle}.")
