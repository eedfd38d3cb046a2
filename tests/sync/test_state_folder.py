"""The folder of what outlives the data is the one that was asked for, else that of the XDG rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.state_folder import state_folder


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"SF_PLACE": "/elsewhere", "XDG_STATE_HOME": "/state", "HOME": "/home/medic"}, "/elsewhere"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/medic"}, "/state/sf-telemed"),
        ({"SF_PLACE": "", "HOME": "/home/medic"}, "/home/medic/.local/state/sf-telemed"),
        ({}, "/.local/state/sf-telemed"),
    ],
)
def test_the_most_particular_wish_wins(environment: dict[str, str], folder: str) -> None:
    assert state_folder(environment, "SF_PLACE") == Path(folder)
