"""Where the checkout is, and the product's modules in it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("protocol", "sync", "sfnode", "sfhub", "tui", "simulations")


def product_modules() -> list[Path]:
    """Every module of the six packages, relative to the checkout."""
    return sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def suite_modules() -> list[Path]:
    """Every module under tests/, relative to the checkout."""
    return sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py"))


def pyproject() -> dict[str, Any]:
    """The checkout's pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
