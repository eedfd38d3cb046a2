"""Results of a run that never happened, with something of everything in them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from simulations.report import (
    AlarmRow,
    CaseRow,
    DeliveryRow,
    QueueRow,
    RunResults,
    SiteRow,
    ViolationRow,
)

KINDS = ("ship", "island", "rural ward")
DAY_S = 86_400.0


def sample_results(*, seed: int = 1, cases: int = 200, **changes: Any) -> RunResults:
    """Thirty days of six sites; the last case waits still."""
    draw = random.Random(seed)
    stories = [_case(draw, number, is_last=number == cases - 1) for number in range(cases)]
    values: dict[str, Any] = {
        "world": "small-fleet",
        "policy": "cheapest first",
        "seed": seed,
        "duration_s": 30 * DAY_S,
        "trace_hash": "00ff" * 8,
        "wall_s": 2.5,
        "checked": ("exactly once", "priorities"),
        "sites": tuple(_site(number) for number in range(6)),
        "cases": tuple(stories),
        "deliveries": tuple(row for case in stories for row in _deliveries(draw, case)),
        "queue": tuple(
            QueueRow(at_s=hour * 3_600.0, emergency=hour % 2, urgent=hour % 5, routine=hour % 17, bulk=0)
            for hour in range(720)
        ),
        "alarms": (AlarmRow(at_s=5.0, site=2, cause="reply unread", needs_action=True),),
        "violations": (),
    }
    return RunResults(**(values | changes))


def violated(words: Sequence[str]) -> tuple[ViolationRow, ...]:
    return tuple(ViolationRow(property="exactly once", at_s=12.5, words=each) for each in words)


def _site(number: int) -> SiteRow:
    return SiteRow(
        site=number,
        name=f"site {number}",
        kind=KINDS[number % 3],
        links="certus-100",
        contacts=700,
        contacts_failed=20,
        bytes_up=120_000 * (number + 1),
        bytes_down=30_000,
        usd=1.25 * number,
    )


def _case(draw: random.Random, number: int, *, is_last: bool) -> CaseRow:
    opened_s = draw.uniform(0, 29 * DAY_S)
    useful_s = opened_s + draw.expovariate(1 / 600)
    text_s = useful_s + draw.expovariate(1 / 60)
    answered_s = None if is_last else text_s + draw.expovariate(1 / 5_400)
    back_s = None if answered_s is None else answered_s + draw.expovariate(1 / 900)
    return CaseRow(
        case=number,
        site=number % 6,
        kind="injury",
        priority=(0, 1, 2, 2, 2)[number % 5],
        opened_s=opened_s,
        useful_s=useful_s,
        text_stored_s=text_s,
        taken_s=answered_s,
        answered_s=answered_s,
        reply_stored_s=back_s,
        seen_s=back_s,
        bytes_up=2_000,
        bytes_down=500,
        usd=0.02,
    )


def _deliveries(draw: random.Random, case: CaseRow) -> list[DeliveryRow]:
    text = DeliveryRow(
        site=case.site,
        case=case.case,
        what="text",
        priority=case.priority,
        up=True,
        link="certus-100",
        size_bytes=900,
        queued_s=case.opened_s,
        stored_s=case.text_stored_s,
        bound_s=1.2,
        forecast_low_s=0.0,
        forecast_high_s=draw.choice([600.0, 1_200.0]),
    )
    photo = DeliveryRow(
        site=case.site,
        case=case.case,
        what="photo",
        priority=3,
        up=True,
        link="",
        size_bytes=20_000,
        queued_s=case.opened_s,
        stored_s=None if case.case % 7 == 0 else case.opened_s + 4_000,
        bound_s=8.0,
    )
    return [text, photo]
