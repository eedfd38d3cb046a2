"""When what is queued will be at the hub: foretold from past contacts, noted, held against what came of it.

Law: nothing is foretold before enough contacts were seen, and what was told is never told otherwise later.
Rows that cannot be read or kept cost a forecast, and never keep back what is to be sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from protocol.header import Priority
from protocol.ids import BundleId, Pseudonym
from sfnode.domain.moments import elapsed_s
from sfnode.spool.foretold import Foretold
from sfnode.spool.spool import Spool
from sync.scheduler.arrival import Arrivals, Interval, soonest_s
from sync.scheduler.outages import Outages
from sync.stores.errors import StoreClosed, StoreError, StoreHalted

from .arrival_words import told_words
from .carriers import LinkOutlook, carrier
from .clock import SiteClock, moment_of
from .link_outages import link_outages

PROVEN_BY: Final = 100
"""So many of the last forecasts are held against what came of them."""
SPAN_S_MAX: Final = 30 * 86_400.0
"""A longer one teaches nothing: a clock was set while the machine was off, or nobody had a link."""
_NOT_KEPT: Final = (
    "Forecasts of arrival cannot be kept. Sending goes on, and nothing that was written is lost. {}"
)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class InLine:
    """One bundle that waits its turn."""

    priority: Priority
    left_bytes: int
    pair: Pseudonym | None = None
    """Whose hub it is for: only links that lead there may carry it; None where any may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What can be said of one bundle now."""

    link: str
    is_down: bool
    """Whether that link has to come back first."""
    soonest_s: float
    interval: Interval | None
    """None: "no forecast yet"."""
    contacts: int
    """Seen so far in the like case."""
    outages: int | None = None
    """In one, how many past ones lasted as long as it has; None where none is under way."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a forecast over one link rests on now."""

    arrivals: Arrivals
    outages_left_s: tuple[float, ...] | None
    """In an outage, how long past ones went on from here."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of the last forecasts."""

    inside: int
    of: int


class ArrivalForecasts:
    """One for a node."""

    def __init__(
        self,
        spool: Spool,
        *,
        clock: SiteClock,
        links: Callable[[], Awaitable[Sequence[LinkOutlook]]],
        trouble: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._links = links
        self._trouble = trouble
        self._contacts_before: int | None = None
        """The number of the last one of an earlier process."""
        self._contacts_begun = 0
        self._may_wait = True
        """Whether anything may have been queued since the last contact began: an idle one costs no look."""

    async def foresee(self, line: Sequence[InLine]) -> tuple[Foreseen | None, ...]:
        """For each of these, which go in this order; None of what no link may carry now."""
        links = await self._links()
        ahead_bytes: dict[str, int] = {}
        known: dict[str, _Known] = {}
        found: list[Foreseen | None] = []
        for each in line:
            link = carrier(each.priority, each.left_bytes, links, each.pair)
            if link is None:
                found.append(None)
                continue
            if link.name not in known:
                known[link.name] = await self._known(link)
            ahead_bytes[link.name] = ahead_bytes.get(link.name, 0) + each.left_bytes
            found.append(_foreseen(link, ahead_bytes[link.name], known[link.name]))
        return tuple(found)

    async def told(self, bundle_ids: Sequence[BundleId]) -> dict[BundleId, str]:
        """What was told of those of these that are still on their way."""
        now = moment_of(self._clock)
        under_way = await _or_nothing(self._spool.foretold.under_way(bundle_ids), dict[BundleId, Foretold]())
        words = {bundle_id: told_words(each, now) for bundle_id, each in under_way.items()}
        return {bundle_id: each for bundle_id, each in words.items() if each}

    async def proof(self) -> Proof:
        """How many of the last forecasts held. What is late already counts as one that did not."""
        now = moment_of(self._clock)
        late = 0
        for each in await _or_nothing(self._spool.foretold.open(), ()):
            passed_s = elapsed_s(each.at, now)
            late += each.interval is not None and passed_s is not None and passed_s > each.interval.high_s
        late = min(late, PROVEN_BY)
        inside, of = await _or_nothing(self._spool.foretold.held(PROVEN_BY - late), (0, 0))
        return Proof(inside, of + late)

    # What happens.

    async def note_queued(self, bundle_id: BundleId) -> None:
        """Custody has it: what can be said of it now is what was told."""
        with self._beside():
            await self._note_queued(bundle_id)

    async def contact_began(self, pair: Pseudonym | None = None) -> None:
        """That hub was heard, or every one: what waited for that waits no more."""
        self._contacts_begun += 1
        with self._beside():
            await self._note_met(pair)

    async def stored(self, bundle_id: BundleId) -> None:
        """The hub was found to hold it."""
        with self._beside():
            await self._note_stored(bundle_id)

    # Inside.

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """Whatever the rows of forecasts suffer, an emergency is sealed and dialled for."""
        try:
            yield
        except (StoreHalted, StoreClosed):
            raise
        except StoreError as error:
            self._trouble(_NOT_KEPT.format(error))

    async def _known(self, link: LinkOutlook) -> _Known:
        now_s, outages = self._clock.wall_s(), Outages()
        if link.is_down:
            outages = await _or_nothing(link_outages(self._spool.diary, link.now.terms, now_s), outages)
        left_s = None if outages.since_s is None else outages.left_s(now_s)
        # In an outage its age tells how long is to be waited; the way within a contact is always alike.
        was_down = link.is_down if left_s is None else None
        rows = await _or_nothing(self._spool.foretold.arrived(link.name, was_down=was_down), ())
        return _Known(Arrivals(each for each in rows if each.actual_s <= SPAN_S_MAX), left_s)

    async def _note_queued(self, bundle_id: BundleId) -> None:
        waiting = await self._spool.transfers.unstored()
        places = [place for place, each in enumerate(waiting) if each.bundle_id == bundle_id]
        if not places:
            return
        line = [InLine(each.priority, each.size_bytes, each.pair) for each in waiting[: places[0] + 1]]
        foreseen = (await self.foresee(line))[-1]
        if foreseen is None:
            return  # Held back: nobody can say until when.
        await self._spool.foretold.add(
            Foretold(
                bundle_id=bundle_id,
                link=foreseen.link,
                was_down=foreseen.is_down,
                soonest_s=foreseen.soonest_s,
                interval=foreseen.interval,
                at=moment_of(self._clock),
            )
        )
        self._may_wait = True
        transfer = (await self._spool.transfers.of([bundle_id])).get(bundle_id)
        if transfer is not None and transfer.stored_s is not None:
            await self._note_stored(bundle_id)  # A contact under way was faster than this.

    async def _note_met(self, pair: Pseudonym | None) -> None:
        if not self._may_wait:
            return
        self._may_wait = False
        unmet = await self._spool.foretold.unmet()
        if pair is not None:
            of = await self._spool.transfers.of([each.bundle_id for each in unmet])
            others = {bundle_id for bundle_id, each in of.items() if each.pair != pair}
            self._may_wait = bool(others)
            unmet = tuple(each for each in unmet if each.bundle_id not in others)
        if not unmet:
            return
        now = moment_of(self._clock)
        waits = [(each.bundle_id, elapsed_s(each.at, now)) for each in unmet]
        known = [(bundle_id, waited_s) for bundle_id, waited_s in waits if waited_s is not None]
        await self._spool.foretold.met(known)
        if untold := [bundle_id for bundle_id, waited_s in waits if waited_s is None]:
            await self._spool.foretold.forget(untold)

    async def _note_stored(self, bundle_id: BundleId) -> None:
        foretold = (await self._spool.foretold.under_way([bundle_id])).get(bundle_id)
        if foretold is None:
            return
        actual_s = elapsed_s(foretold.at, moment_of(self._clock))
        if actual_s is None:
            # Its clock was set or lost meanwhile: a span that nobody can tell teaches nothing.
            await self._spool.foretold.forget([bundle_id])
            return
        if self._contacts_before is None:
            self._contacts_before = await self._spool.foretold.last_contact()
        contact = self._contacts_before + max(1, self._contacts_begun)
        await self._spool.foretold.came(bundle_id, contact=contact, actual_s=actual_s)


async def _or_nothing(reading: Awaitable[Result], nothing: Result) -> Result:
    """Who only asks is told no forecast; that the rows cannot be kept was told when they were written."""
    try:
        return await reading
    except (StoreHalted, StoreClosed):
        raise
    except StoreError:
        return nothing


def _foreseen(link: LinkOutlook, ahead_bytes: int, known: _Known) -> Foreseen:
    estimated_s = soonest_s(link.now.measured, ahead_bytes)
    return Foreseen(
        link=link.name,
        is_down=link.is_down,
        soonest_s=estimated_s,
        interval=known.arrivals.interval(estimated_s, known.outages_left_s),
        contacts=known.arrivals.contacts,
        outages=None if known.outages_left_s is None else len(known.outages_left_s),
    )
