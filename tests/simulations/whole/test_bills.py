"""Every byte of a wire is on the bill of one contact, by the tariff of its link."""

from __future__ import annotations

import pytest

from simulations.hosts.clock import WALL_FROM_S
from simulations.links import load_profile
from simulations.virtual.loop import run_virtual
from simulations.virtual.network import Network
from simulations.whole.bills import bill, carried_by
from simulations.whole.disks import DiaryRow
from simulations.whole.links import Laid, lay_links
from simulations.whole.moments import RunTime
from simulations.world import SiteLink

MEGABYTE = 1_000_000
UNTIL_S = 1_000.0


def row(contact: int, began_s: float, ended_s: float | None, *, reached: bool = True) -> DiaryRow:
    """A row of a run that began with the wall clock."""
    return DiaryRow(
        contact=contact,
        link="bgan",
        began_s=int(WALL_FROM_S + began_s),
        ended_s=None if ended_s is None else int(WALL_FROM_S + ended_s),
        reached=reached,
        attempts=1,
        seconds=0.0 if ended_s is None else ended_s - began_s,
        usd=0.0,
    )


def laid_with(up: dict[int, int], down: dict[int, int]) -> tuple[Laid, ...]:
    async def lay() -> tuple[Laid, ...]:
        link = SiteLink(profile=load_profile("bgan"), every_s=3_600)
        return lay_links(Network(), "site", "hub", [link], region="here", storms={}, key="1")

    laid = run_virtual(lay())
    laid[0].wire.up.billed.update(up)
    laid[0].wire.down.billed.update(down)
    return laid


def test_what_crosses_belongs_to_the_contact_that_began_last() -> None:
    laid = laid_with({5: 100, 40: 200, 400: 1_000}, {6: 10, 45: 20, 999: 30})
    rows = [row(1, 5, 30), row(2, 40, 60), row(3, 400, None)]
    paid = bill(laid, rows, time=RunTime(0.0), until_s=UNTIL_S)
    assert [(each.bytes_up, each.bytes_down) for each in paid] == [(100, 10), (200, 20), (1_000, 30)]
    assert paid[2].ended_s == UNTIL_S
    tariff = laid[0].settings.tariff
    assert paid[1].usd == pytest.approx(tariff.cost_usd(size_bytes=220, connected_s=20.0))
    assert paid[2].usd == pytest.approx(tariff.cost_usd(size_bytes=1_030, connected_s=600.0))


def test_what_began_before_or_after_the_run_is_not_billed() -> None:
    laid = laid_with({0: 7, 50: 100}, {})
    rows = [row(1, -500, -400), row(2, -10, 20), row(3, 50, 60), row(4, 1_200, 1_300)]
    paid = bill(laid, rows, time=RunTime(0.0), until_s=UNTIL_S)
    assert [each.bytes_up for each in paid] == [7, 100]


def test_a_bundle_came_with_the_contact_under_way() -> None:
    laid = laid_with({}, {})
    rows = [row(1, 5, 30), row(2, 20, 25, reached=False), row(3, 40, 60)]
    paid = bill(laid, rows, time=RunTime(0.0), until_s=UNTIL_S)
    first, last = carried_by(paid, 22.0), carried_by(paid, 41.0)
    assert first is not None
    assert last is not None
    assert (first.began_s, last.began_s) == (5.0, 40.0)
    assert carried_by(paid, 35.0) is None
