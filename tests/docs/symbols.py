"""What a dotted name in the documentation stands for."""

from __future__ import annotations

import importlib


def resolve(symbol: str) -> object:
    """A module, or what one leads to attribute by attribute; raises when a part of the name is not there."""
    parts = symbol.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(symbol)
