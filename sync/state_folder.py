"""Where a program keeps what has to outlive its data folder, and must not be in the backups of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_NAME: Final = "sf-telemed"


def state_folder(environment: Mapping[str, str], variable: str) -> Path:
    """The folder that `variable` names, else the place that the XDG rules give to the state of programs."""
    if chosen := environment.get(variable):
        return Path(chosen)
    state = environment.get("XDG_STATE_HOME") or Path(environment.get("HOME", "/")) / ".local" / "state"
    return Path(state) / _NAME
