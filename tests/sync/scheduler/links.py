"""Links and peers as the policy sees them, every value defaulted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocol.header import Priority
from protocol.ids import Pseudonym
from sync.scheduler import (
    Attempts,
    Backlog,
    DayCount,
    LinkCap,
    LinkMode,
    LinkNow,
    LinkTerms,
    Measured,
    PairNow,
    Tariff,
)

NOW_S = 50_000.0
HUB = Pseudonym(b"hub1")


def link(
    name: str,
    *,
    usd_per_megabyte: float = 0.0,
    usd_per_minute: float = 0.0,
    cap_usd: float = float("inf"),
    cap_bytes: float = float("inf"),
    spent_usd: float = 0.0,
    spent_bytes: int = 0,
    is_closed: bool = False,
    rate_bytes_s: float = 10_000.0,
    rtt_s: float = 0.6,
    mode: LinkMode = LinkMode.POLL,
    **terms: Any,
) -> LinkNow:
    return LinkNow(
        terms=LinkTerms(
            name=name,
            mode=mode,
            tariff=Tariff(usd_per_megabyte=usd_per_megabyte, usd_per_minute=usd_per_minute, increment_s=60.0),
            cap=LinkCap(usd_per_day=cap_usd, bytes_per_day=cap_bytes),
            **terms,
        ),
        measured=Measured(rate_bytes_s=rate_bytes_s, rtt_s=rtt_s),
        spent=DayCount(boot="boot", began_s=0.0, usd=spent_usd, size_bytes=spent_bytes, is_closed=is_closed),
    )


def vsat(**changes: Any) -> LinkNow:
    """Always on, and costs nothing."""
    return link("vsat", rate_bytes_s=64_000.0, **changes)


def lband(**changes: Any) -> LinkNow:
    """Reaches everywhere, at a price."""
    return link("lband", **{"usd_per_megabyte": 8.0, "rate_bytes_s": 2_750.0, "rtt_s": 0.9, **changes})


def pair(
    *,
    waiting: Mapping[Priority, int] | None = None,
    attempts: Mapping[str, Attempts] | None = None,
    good_s: float = NOW_S - 1.0,
    **changes: Any,
) -> PairNow:
    """`waiting`: bytes of one bundle in each class."""
    return PairNow(
        pair=HUB,
        waiting={priority: Backlog(1, size) for priority, size in (waiting or {}).items()},
        attempts=attempts or {},
        good_s=good_s,
        **changes,
    )


def down(*, for_s: float, tried_s: float = 1.0, pause_s: float = 100.0) -> Attempts:
    """It fails since `for_s` and was tried `tried_s` ago."""
    return Attempts(failures=5, failed_s=NOW_S - tried_s, pause_s=pause_s, down_since_s=NOW_S - for_s)
