"""What is said of a case that somebody here has erased."""

from __future__ import annotations

from datetime import UTC, datetime

from protocol.ids import short
from sync.stores.erasures import Erasure


def erased_text(erasure: Erasure) -> str:
    """Who erased it, when and why, and whether anything came afterwards."""
    when = datetime.fromtimestamp(erasure.erased_s, UTC).strftime("%d %b %Y %H:%MZ")
    words = f"C-{short(erasure.case_id)} was erased {when} by {erasure.erased_by}: {erasure.reason}"
    if erasure.late:
        words += f" (of {erasure.late} later messages only the ids were kept)"
    return f"{words}. Nothing of it can be read here any more."
