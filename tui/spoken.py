"""What a medic types for a time or a list, and what is meant by it. Nothing here reads a clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_AGO: Final = re.compile(r"(\d{1,4})\s*(m|min|h|d)(?:\s+ago)?", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(\d{1,2})[:.]?(\d{2})\s*z?", re.IGNORECASE)
_UNIT: Final = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_NONE_KNOWN: Final = frozenset({"none", "none known", "no", "nil", "nka", "nkda", "0", "-"})


class BadMoment(ValueError):
    """What was typed is no time; the message says what is."""

    def __init__(self, typed: str) -> None:
        super().__init__(f"{typed!r} is no time: type 21:30 (UTC), 40m ago, 2h ago, or 2026-11-22T21:30Z.")


def read_moment(typed: str, now_s: float) -> int:
    """UTC seconds: a clock time is the latest one that is past; `BadMoment` for anything else."""
    text = typed.strip()
    now = datetime.fromtimestamp(now_s, UTC)
    if text.casefold() == "now":
        return int(now_s)
    if ago := _AGO.fullmatch(text):
        return int((now - int(ago[1]) * _UNIT[ago[2].casefold()]).timestamp())
    if (clock := _CLOCK.fullmatch(text)) and int(clock[1]) < 24 and int(clock[2]) < 60:
        moment = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return int((moment if moment <= now else moment - timedelta(days=1)).timestamp())
    try:
        full = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadMoment(typed) from error
    if full.tzinfo is None:
        full = full.replace(tzinfo=UTC)
    return int(full.timestamp())


def read_list(typed: str) -> list[str]:
    """Items separated by `;` or `,`."""
    return [item for part in re.split("[;,]", typed) if (item := part.strip())]


def means_none_known(typed: str) -> bool:
    """Whether somebody asked and there is none: not the same as an empty answer."""
    return typed.strip().casefold() in _NONE_KNOWN
