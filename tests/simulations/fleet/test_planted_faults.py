"""Each law that a fleet's run watches is seen to break when a part of the product is made to break it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from protocol.ranges import RangeSet
from sfhub.domain.worklist import Waiting, worklist_order
from simulations.fleet import Faults, Parts, run_world
from simulations.hosts.disk import MemoryDisk, nothing_planted
from simulations.report import RunResults
from simulations.workload import Desk
from simulations.world import World
from sync.ports import OutgoingBundle, SessionView
from sync.scheduler import NOTHING_SPENT, Decision, LinkCap, LinkNow, PairNow, decide
from sync.stores import MemoryStore

from .small_worlds import place, small_world


def broken(world: World, parts: Parts, faults: Faults | None = None) -> str:
    """What was found with this part, after nothing was with the product's own."""
    assert run_world(world, seed=1, faults=faults).violations == ()
    return words(run_world(world, seed=1, faults=faults, parts=parts))


def words(results: RunResults) -> str:
    return "\n".join(violation.words for violation in results.violations)


class StarvingDesk(Desk):
    """Puts every third case behind all others of its class, as a list that favours some sites would."""

    def in_order(self, waiting: list[Waiting]) -> Iterable[Waiting]:
        return sorted(worklist_order(waiting), key=lambda each: (each.urgency, int(each.case) % 3 == 0))


def test_a_worklist_that_starves_some_sites_is_noticed() -> None:
    world = small_world(
        place("geo-clean", count=3),
        days=2.0,
        cases_per_day=60,
        photos=0.0,
        clinicians=1,
        urgency=(0, 0, 1, 0),
    )
    parts = Parts(desk=lambda clinicians, seed: StarvingDesk(clinicians, seed=seed))
    assert "was passed over" in broken(world, parts)


def capless(links: Sequence[LinkNow], pairs: Sequence[PairNow], now_s: float) -> Decision:
    """A policy that has forgotten what was spent, and that there is a limit."""
    free = [replace(link, spent=NOTHING_SPENT, terms=replace(link.terms, cap=LinkCap())) for link in links]
    return decide(free, pairs, now_s)


def test_a_policy_that_ignores_a_cap_is_noticed() -> None:
    capped = place("certus-100", terms="usd_per_day_max = 0.4")
    world = small_world(capped, days=1.0, cases_per_day=4, urgency=(0, 0, 1, 0))
    assert "allowed are 0.40" in broken(world, Parts(policy=capless))


class GivesAgain(MemoryStore):
    """Custody that forgets what the application has taken."""

    async def take(self, row: int) -> None:
        """Nothing is written down."""


class LyingDisk(MemoryDisk):
    """A disk that has nothing of what was written to it."""

    def holds(self, bundle_id: bytes) -> bool:
        return False


def stores(kind: type[MemoryStore]) -> Parts:
    class Faulty(MemoryDisk):
        def boot(self) -> MemoryStore:
            return kind(self._new_incarnation, state=self._state)

    return Parts(disk=lambda lives, name: Faulty(lives, nothing_planted))


def test_a_bundle_that_is_given_to_the_application_twice_is_noticed() -> None:
    assert "a second time" in broken(small_world(place("geo-clean")), stores(GivesAgain))


def test_an_acknowledgement_of_what_no_disk_holds_is_noticed() -> None:
    parts = Parts(disk=lambda lives, name: LyingDisk(lives, nothing_planted))
    found = broken(small_world(place("geo-clean")), parts)
    assert "which its disk lacks" in found
    assert "let go of" in found


class LosesSome(MemoryStore):
    """Custody that never offers the last of what waits."""

    async def outgoing(self, beside: RangeSet) -> tuple[OutgoingBundle, ...]:
        return (await super().outgoing(beside))[:-1]

    async def open_session(self) -> SessionView:
        view = await super().open_session()
        return replace(view, pending=view.pending[:-1])


def test_a_bundle_that_never_leaves_is_noticed() -> None:
    assert "Everything arrives" in broken(small_world(place("geo-clean")), stores(LosesSome))
