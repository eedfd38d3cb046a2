"""Moments as people write them, and as they read them: always with their time zone."""

from __future__ import annotations

from datetime import UTC, datetime

from sfnode.errors import BadRequest


def parse_moment(text: str | None) -> int | None:
    """UTC seconds of an ISO 8601 moment; `BadRequest` when it does not say its time zone."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"A moment looks like 2026-11-22T21:40Z, not {text!r}.") from error
    if moment.tzinfo is None:
        raise BadRequest(f"{text} does not say its time zone: add Z for UTC, or the offset, such as +09:00.")
    return int(moment.timestamp())


def show_moment(wall_s: int | None) -> str:
    """Minutes are enough for people; "never" when there is none."""
    return "never" if wall_s is None else datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%d %H:%MZ")


def show_span(seconds: float | None) -> str:
    """A duration in words; "?" when it is not known."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def show_usd(usd: float) -> str:
    """Less than a cent is said so, never shown as nothing."""
    return "<$0.01" if 0 < usd < 0.01 else f"${usd:.2f}"


def show_bytes(size_bytes: int) -> str:
    return f"{size_bytes} B" if size_bytes < 10_000 else f"{size_bytes / 1000:.1f} kB"
