"""What the node knows of its links between contacts: failures, pace, today's spending."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from protocol.ids import Pseudonym
from sfnode.config import LinkSettings
from sfnode.spool.link_memory import UNRATED, Rated
from sfnode.spool.retries import Failing
from sfnode.spool.spool import Spool
from sync.core import Ending, LinkMemory
from sync.scheduler import FRESH, Attempts, LinkNow, LinkTerms, Measured, should_note
from sync.stores.errors import StoreFull

from .clock import SiteClock, tick_of
from .contact import Contact, ContactOutcome, Pair

OVERHEAD_BYTES_MIN: Final = 60
TURNS_STEP_S: Final = 600
"""By less than this the moment moves only because clocks are read at different times."""
OVERHEAD_WEIGHT: Final = 0.25
"""Of the newest contact: one that met a lossy minute must not spoil the next forecast."""
_CARRIED_BYTES_MAX: Final = 20_000
"""Of a contact whose overhead is measured: in a longer one, headers of its packets count for more."""

Way = tuple[Pseudonym, str]
"""A hub, and the link to it."""


@dataclass(frozen=True, slots=True)
class DownLink:
    """Since when and why a link fails, for people."""

    since_s: int
    reason: str


class LinkLedger:
    """One for a node."""

    def __init__(
        self, spool: Spool, *, clock: SiteClock, chance: Callable[[], float] = random.random
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._chance = chance
        self._failing: dict[Way, Failing] = {}
        self._measured: dict[str, Measured] = {}
        self._rated: dict[str, Rated] = {}
        self._terms: dict[str, tuple[LinkSettings, LinkTerms]] = {}
        self._in_turns_until_s: dict[str, int] = {}
        """By this machine's clock, of links on which something holds whole requests back."""
        self._unheard: dict[Pseudonym, LinkMemory] = {}
        self._good_s: dict[Pseudonym, float] = {}
        self._let_go_s: dict[Pseudonym, float] = {}
        self._worked: set[str] = set()
        self._at_fault: set[Way] = set()
        """Ways over which the hub answered and broke a rule of the session: that it greets mends nothing."""
        self._barren: dict[Way, int] = {}
        """How often in a row the hub greeted and nothing moved: something in between lets no more through."""
        self._mended: set[Way] = set()
        """Ways whose rows tell of failures that are over."""
        self._reopened: set[str] = set()
        """Links whose caps have changed."""
        self._renamed: list[tuple[str, str]] = []
        """Old names and new ones, in the order in which they were given."""
        self._is_loaded = False

    async def load(self) -> None:
        """What an earlier process has kept; only the first call reads it."""
        if not self._is_loaded:
            self._failing = {**await self._spool.retries.all(self._clock.boot()), **self._failing}
            self._is_loaded = True

    # What the policy looks at.

    async def links_now(self, links: Sequence[LinkSettings]) -> tuple[LinkNow, ...]:
        """Every link, as it is now."""
        await self._settle_rows()
        return tuple([await self._link_now(link) for link in links])

    def attempts(self, pair: Pseudonym) -> Mapping[str, Attempts]:
        """By link; those not named have not failed."""
        return {link: each.attempts for (of, link), each in self._failing.items() if of == pair}

    def good_s(self, pair: Pseudonym) -> float:
        """When the last contact ended well, by the monotonic clock."""
        return self._good_s.get(pair, float("-inf"))

    def let_go_s(self, pair: Pseudonym) -> float:
        """When the hub last ended a contact that we would have kept open."""
        return self._let_go_s.get(pair, float("-inf"))

    def is_at_fault(self, pair: Pseudonym) -> bool:
        """Whether the hub broke a rule when it was last spoken with over some link."""
        return any(of == pair for of, _ in self._at_fault)

    def memory(self, pair: Pair, link: LinkSettings) -> LinkMemory:
        """For the next session: the link's pace, and what the hub may have heard over any link."""
        unheard = self._unheard.get(pair.pseudonym, LinkMemory())
        measured = self._measured.get(link.name)
        if measured is None or not measured.contacts:
            return replace(unheard, rate_bytes_s=None, rtt_s=None)
        return replace(unheard, rate_bytes_s=measured.rate_bytes_s, rtt_s=measured.rtt_s)

    def measured(self, link: LinkSettings) -> Measured:
        """What is known of its pace; its settings' guess until then."""
        known = self._measured.get(link.name)
        return known or Measured(rate_bytes_s=link.rate_bit_s / 8, rtt_s=link.rtt_s)

    def rate_age_s(self, link: LinkSettings) -> float:
        """How long ago its rate was measured; infinite if that was before this boot, or never."""
        rated = self._rated.get(link.name, UNRATED)
        return self._clock.monotonic_s() - rated.at_s if rated.boot == self._clock.boot() else math.inf

    def in_turns_s(self, link: LinkSettings) -> float:
        """For how long contacts over it go in turns; never longer than a dialer remembers it."""
        return max(0.0, self._in_turns_until_s.get(link.name, 0) - self._clock.wall_s())

    # What people are told.

    def down(self, link: str) -> DownLink | None:
        """None while it does not fail."""
        for (_, name), each in self._failing.items():
            if name == link:
                return DownLink(each.since_s, each.outcome)
        return None

    def has_worked(self, link: str) -> bool:
        """Whether the hub was heard over it since the program began, or since it was changed."""
        return link in self._worked

    # What happens.

    def greeted(self, pair: Pseudonym, link: str) -> None:
        """The hub was heard: whatever failed is over, unless it was the hub itself."""
        self._worked.add(link)
        if (pair, link) not in self._at_fault:
            self._mend((pair, link))

    def moved(self, pair: Pseudonym, link: str) -> None:
        """A contact brought something to where it was not before."""
        self._barren.pop((pair, link), None)

    async def failed(
        self, pair: Pair, link: str, outcome: ContactOutcome, *, was_barren: bool = False
    ) -> None:
        """Nobody answered, or the session broke; `was_barren`: the hub had greeted, and nothing had moved."""
        way, now_s = (pair.pseudonym, link), self._clock.monotonic_s()
        before = self._failing.get(way)
        attempts = before.attempts if before else FRESH
        if was_barren:
            # Each of them costs what the first one did, and the greeting alone does not make them better.
            self._barren[way] = self._barren.get(way, 0) + 1
            attempts = attempts.at_least(self._barren[way] - 1, now_s)
        failing = Failing(
            attempts=attempts.failed(now_s, chance=self._chance()),
            boot=self._clock.boot(),
            since_s=before.since_s if before else max(0, int(self._clock.wall_s())),
            outcome=outcome.report.ended,
        )
        self._failing[way] = failing
        if outcome.ending is Ending.PEER_AT_FAULT:
            # It is there and breaks a rule: to look again at once would pay for the same once more.
            self._good_s[pair.pseudonym] = self._let_go_s[pair.pseudonym] = now_s
            self._at_fault.add(way)
        await self._spool.retries.keep(pair.pseudonym, link, failing)

    def went_well(self, pair: Pseudonym, contact: Contact, outcome: ContactOutcome) -> None:
        """The contact did what it could. One that was cut short leaves something to look for at once."""
        now_s = self._clock.monotonic_s()
        self._at_fault.discard((pair, contact.plan.link.name))
        self.moved(pair, contact.plan.link.name)
        self._mend((pair, contact.plan.link.name))
        is_done = outcome.ending is Ending.DONE
        self._good_s[pair] = now_s if is_done or outcome.spent_out else float("-inf")
        if is_done and contact.plan.dial.stays_open:
            self._let_go_s[pair] = now_s

    async def learnt(self, pair: Pair, contact: Contact, outcome: ContactOutcome) -> None:
        """What the contact has shown of its link."""
        self._unheard[pair.pseudonym] = outcome.memory
        await self._settle_rows()
        if not contact.reached:
            return
        link, given = contact.plan.link, contact.plan.memory
        rate_bytes_s, rtt_s = outcome.memory.rate_bytes_s, outcome.memory.rtt_s
        guess_bytes_s = given.rate_bytes_s or link.rate_bit_s / 8
        is_measured = rate_bytes_s is not None and rate_bytes_s != guess_bytes_s
        if (pace := contact.pace) is not None:
            rate_bytes_s, rtt_s, is_measured = pace.rate_bytes_s, pace.rtt_s, pace.is_proven
        before = self.measured(link)
        measured = replace(
            before,
            rtt_s=before.rtt_s if rtt_s is None else rtt_s,
            overhead_bytes=_overhead_bytes(before.overhead_bytes, outcome),
        )
        if is_measured and rate_bytes_s is not None and rate_bytes_s > 0:
            measured = replace(measured, rate_bytes_s=rate_bytes_s, contacts=before.contacts + 1)
        self._measured[link.name] = measured
        if measured.rate_bytes_s != before.rate_bytes_s:
            self._rated[link.name] = Rated(self._clock.boot(), self._clock.monotonic_s())
        turns_before_s = self._in_turns_until_s.get(link.name, 0)
        turns_s = contact.in_turns_s
        until_s = int(self._clock.wall_s() + turns_s) if turns_s else 0
        if abs(until_s - turns_before_s) > TURNS_STEP_S:
            self._in_turns_until_s[link.name] = until_s
        if measured != before or self._in_turns_until_s.get(link.name, 0) != turns_before_s:
            await self._spool.link_memories.keep(
                link.name,
                way_of(link),
                measured,
                rated=self._rated.get(link.name, UNRATED),
                in_turns_until_s=self._in_turns_until_s.get(link.name, 0),
            )

    def hasten(self, pair: Pseudonym | None = None) -> None:
        """Something new waits for that hub, or for one that is not named."""
        now_s = self._clock.monotonic_s()
        for way, each in self._failing.items():
            if pair in (None, way[0]):
                self._failing[way] = replace(each, attempts=each.attempts.hastened(now_s))

    def network_changed(self) -> None:
        """What failed before may work now."""
        for way, each in self._failing.items():
            self._failing[way] = replace(each, attempts=FRESH)

    def forget(self, link: str) -> None:
        """Its settings have changed: what failed by the old ones may work, and its cap may be another."""
        self._worked.discard(link)
        self._measured.pop(link, None)
        self._rated.pop(link, None)
        self._terms.pop(link, None)
        self._in_turns_until_s.pop(link, None)
        self._reopened.add(link)
        self._at_fault = {way for way in self._at_fault if way[1] != link}
        self._barren = {way: count for way, count in self._barren.items() if way[1] != link}
        for way in [way for way in self._failing if way[1] == link]:
            self._mend(way)

    def renamed(self, link: str, name: str) -> None:
        """Only what it is called has changed: the day's spending and the pace stay with it."""
        self._renamed.append((link, name))

    def _mend(self, way: Way) -> None:
        if self._failing.pop(way, None) is not None:
            self._mended.add(way)

    async def _settle_rows(self) -> None:
        """What happened where nobody could wait goes into the spool, once there is room."""
        with suppress(StoreFull):
            while self._renamed:
                old, new = self._renamed[0]
                await self._spool.spending.rename(old, new)
                await self._spool.link_memories.rename(old, new)
                await self._spool.foretold.rename(old, new)
                self._renamed.pop(0)
            for way in tuple(self._mended):
                await self._spool.retries.forget(*way)
                self._mended.discard(way)
            for link in tuple(self._reopened):
                await self._spool.spending.reopen(link)
                self._reopened.discard(link)

    async def _link_now(self, link: LinkSettings) -> LinkNow:
        if link.name not in self._measured:
            known = await self._spool.link_memories.of(link.name, way_of(link))
            if known is not None:
                self._measured[link.name] = known
                self._rated[link.name] = await self._spool.link_memories.rated(link.name, way_of(link))
                until_s = await self._spool.link_memories.in_turns_until_s(link.name, way_of(link))
                self._in_turns_until_s[link.name] = until_s
        now, terms = tick_of(self._clock), self._terms_of(link)
        spent = await self._spool.spending.today(link.name, now)
        if terms.cap.is_limited and should_note(spent, now):
            with suppress(StoreFull):  # A day that is told too long spares the cap.
                await self._spool.spending.note_running(link.name, now)
        return LinkNow(terms=terms, measured=self.measured(link), spent=spent)

    def _terms_of(self, link: LinkSettings) -> LinkTerms:
        """As they were worked out last, as long as the settings are the same."""
        known = self._terms.get(link.name)
        if known is None or known[0] is not link:
            known = self._terms[link.name] = (link, link.terms)
        return known[1]


def way_of(link: LinkSettings) -> str:
    """What a measurement holds for: of another address or declared rate it says nothing."""
    bound = f" by {link.bind}" if link.bind else ""
    return f"{link.udp or link.hub_url or ''} {link.rate_bit_s} {link.rtt_s:g}{bound}"


def _overhead_bytes(before: int, outcome: ContactOutcome) -> int:
    report = outcome.report
    carried = report.payload_up + report.payload_down
    if outcome.ending is not Ending.DONE or carried > _CARRIED_BYTES_MAX:
        return before
    shown = report.bytes_up + report.bytes_down - carried
    return max(OVERHEAD_BYTES_MIN, round(before + OVERHEAD_WEIGHT * (shown - before)))
