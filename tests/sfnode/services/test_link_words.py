"""What holds something back, until when, and how to lift it: no end is promised that no day brings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from protocol.header import Priority
from protocol.ids import Pseudonym
from protocol.stamps import Certainty
from sfnode.config import LinkSettings
from sfnode.services.clock import SetClock, tick_of
from sfnode.services.link_ledger import LinkLedger
from sfnode.services.link_words import held_sentence, look_held_sentence, partly_held_words
from sfnode.spool.spool import Spool
from sync.scheduler import NOTHING_SPENT, Backlog, Held, HeldBy, LinkNow, Measured, counted
from tests.sfnode.services.station import NOW_S

CAPPED = LinkSettings(name="lband", cap_usd_per_day=5.0, usd_per_megabyte=8.0)
LOW = LinkSettings(name="lband", cap_usd_per_day=0.004, usd_per_megabyte=8.0)
BELOW_ITS_LEAST = LinkSettings(
    name="lband", cap_usd_per_day=0.05, usd_per_megabyte=8.0, session_bytes_min=5_000
)
FEW_BYTES = LinkSettings(name="lband", cap_bytes_per_day=1_000)


@asynccontextmanager
async def open_ledger(folder: Path) -> AsyncIterator[LinkLedger]:
    spool = await Spool.open(folder / "spool.db")
    try:
        yield LinkLedger(spool, clock=SetClock(wall_s=NOW_S))
    finally:
        await spool.close()


async def test_a_cap_that_pays_for_no_look_today_says_so_and_how_to_lift_it(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        assert look_held_sentence(CAPPED, ledger) == (
            "Nothing was dialled: on lband today's cap of $5.00 pays for no further contact (25% of it is "
            "kept for emergencies). Emergencies still go. It goes on the next day (UTC); to let it go now, "
            "raise the cap: `sfnode link set lband --cap-usd-per-day N` or `--no-cap`."
        )


@pytest.mark.parametrize(("link", "cap"), [(LOW, "usd"), (BELOW_ITS_LEAST, "usd"), (FEW_BYTES, "bytes")])
async def test_a_cap_below_the_least_of_a_contact_promises_no_day(
    tmp_path: Path, link: LinkSettings, cap: str
) -> None:
    backlog = Backlog(1, 400)
    held = Held(
        pair=Pseudonym(b"hub1"), priority=Priority.ROUTINE, backlog=backlog, by=(("lband", HeldBy.CAP),)
    )
    async with open_ledger(tmp_path) as ledger:
        sentence = held_sentence(held, [link], ledger)
    assert "next day" not in sentence
    assert sentence.endswith(
        "No day's cap pays for a contact: it goes once that is raised: `sfnode link set lband "
        f"--cap-{cap}-per-day N` or `--no-cap`."
    )


FLOORED: Mapping[Priority, HeldBy | None] = {
    Priority.EMERGENCY: None,
    Priority.URGENT: None,
    Priority.ROUTINE: HeldBy.FLOOR,
}


def test_what_goes_is_said_with_what_does_not() -> None:
    tick = tick_of(SetClock(wall_s=NOW_S))
    narrow = LinkSettings(name="lband", floor="urgent")
    link = LinkNow(terms=narrow.terms, measured=Measured(rate_bytes_s=300.0, rtt_s=1.0))
    assert partly_held_words(narrow, link, FLOORED, tick) == (
        "the EMERGENCY and urgent part goes now; the rest is held: lband carries nothing below urgent"
    )
    assert partly_held_words(narrow, link, {Priority.URGENT: None}, tick) is None


@pytest.mark.parametrize(
    ("grade", "until"),
    [
        (Certainty.SYNCED, "00:00Z"),
        # Its day began by a clock that knew no midnight.
        (Certainty.UNSET, "24 hours of running have passed since it was first used"),
    ],
)
def test_the_end_of_a_cap_follows_the_rule_that_counts_it(grade: Certainty, until: str) -> None:
    clock = SetClock(wall_s=NOW_S)
    clock.grade = grade
    spent = counted(NOTHING_SPENT, tick_of(clock)).plus(usd=5.0, size_bytes=600_000)
    clock.grade = Certainty.SYNCED
    clock.pass_time(60.0)
    link = LinkNow(terms=CAPPED.terms, measured=Measured(rate_bytes_s=300.0, rtt_s=1.0), spent=spent)
    words = partly_held_words(CAPPED, link, {Priority.ROUTINE: HeldBy.CAP}, tick_of(clock))
    assert words is not None
    assert words.endswith(f"(25% of it is kept for emergencies) until {until}")
