"""Laws that a whole run watches are seen to break when a part of the product is made to break them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sfhub.domain.worklist import Waiting
from sfnode.config import LinkSettings
from sfnode.errors import Refused
from simulations.whole import Playing, run_whole
from simulations.whole.hosts import StaffedSite
from simulations.whole.specialists import WorklistDesk
from simulations.world import World
from tests.simulations.fleet.small_worlds import place, small_world

CAP_USD = 0.4


@cache
def busy() -> World:
    """A ship under a cap, whose cases are more than one slow specialist can answer."""
    world = small_world(
        place("certus-100", terms=f"usd_per_day_max = {CAP_USD}"),
        days=0.4,
        cases_per_day=25.0,
        photos=0.0,
        urgency=(0.0, 0.5, 0.5, 0.0),
        clinicians=1,
    )
    return replace(world, clinicians=tuple(replace(each, reading_s=5_000.0) for each in world.clinicians))


@cache
def found_in_the_product() -> tuple[str, ...]:
    return words(Playing())


def words(playing: Playing) -> tuple[str, ...]:
    return tuple(violation.words for violation in run_whole(busy(), seed=1, playing=playing).violations)


def broken(playing: Playing) -> str:
    """What was found with this part, after nothing was with the product's own."""
    assert found_in_the_product() == ()
    return "\n".join(words(playing))


class UpsideDown(WorklistDesk):
    """Takes the last case of the list first."""

    def in_order(self, waiting: list[Waiting]) -> Iterable[Waiting]:
        return list(super().in_order(waiting))[::-1]


class ForgetsCaps(StaffedSite):
    """A site that was never told what it may spend."""

    def __init__(self, *arguments: Any, links: Sequence[LinkSettings], **options: Any) -> None:
        links = [replace(link, cap_usd_per_day=None) for link in links]
        super().__init__(*arguments, links=links, **options)


class RefusesReadings(StaffedSite):
    """A site that takes no vitals."""

    async def ask(self, method: str, **values: Any) -> Any:
        if method == "vitals_add":
            raise Refused("Not today.")
        return await super().ask(method, **values)


def test_a_worklist_that_is_answered_from_its_end_is_noticed() -> None:
    assert "was taken before the more urgent" in broken(Playing(desk=UpsideDown))


def test_a_site_that_ignores_its_cap_is_noticed() -> None:
    assert f"allowed are {CAP_USD:.2f}" in broken(Playing(site=ForgetsCaps))


def test_what_people_are_refused_is_noticed() -> None:
    assert "somebody was refused: Refused: Not today." in broken(Playing(site=RefusesReadings))
