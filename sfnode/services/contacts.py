"""The loop that reaches the hub: when to dial, how long to stay, and that it never gives up."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from protocol.ids import BundleId
from sfnode.config import LinkMode, LinkSettings
from sfnode.errors import NotEnrolled
from sfnode.spool.spool import Spool
from sfnode.views import SyncReport
from sync.core import Ending, LinkMemory
from sync.ports import Dialer

from .clock import SiteClock
from .contact import Contact, ContactOutcome, Pair, Watcher
from .retry import RETRY_RULE

_GOOD_ENDINGS: Final = frozenset({Ending.DONE, Ending.PARTED})
_NOT_ENROLLED: Final = (
    "The site is not enrolled with a hub yet, so there is nobody to reach. Use `sfnode enrol`."
)


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the link is, for the status line."""

    up: bool
    words: str


class Contacts:
    """One contact at a time, by the rules of the link's mode."""

    def __init__(
        self,
        spool: Spool,
        *,
        clock: SiteClock,
        link: LinkSettings,
        dialer_for: Callable[[LinkSettings, Pair], Dialer],
        watcher: Watcher,
        state_changed: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._link = link
        self._dialer_for = dialer_for
        self._watcher = watcher
        self._state_changed = state_changed
        self._turn = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._queued_meanwhile: set[BundleId] = set()
        self._next_dial_s = -math.inf
        self._last_ended_s = -math.inf
        self._failures = 0
        self._link_news = False
        self._down: tuple[int, str] | None = None
        self._was_up = False
        self._current: Contact | None = None
        self._memory = LinkMemory()
        self._medium: tuple[str, ...] = ()

    @property
    def link(self) -> LinkSettings:
        return self._link

    @property
    def state(self) -> LinkState:
        """Up means that the hub was heard in the contact under way, or else in the last one."""
        if self._link.hub_url is None:
            return LinkState(False, "not configured")
        if self._down is not None:
            since_s, reason = self._down
            since = f"{datetime.fromtimestamp(since_s, UTC):%H:%MZ}"
            return LinkState(False, f"down since {since}: {_in_short(reason)}")
        name = self._link.name
        return LinkState(True, f"up, {name}") if self._was_up else LinkState(False, f"not tried yet, {name}")

    @property
    def medium(self) -> tuple[str, ...]:
        """How the bytes of this contact, or else of the last one, travel."""
        return (self._current.medium if self._current is not None else ()) or self._medium

    def queued(self, bundle_id: BundleId) -> None:
        """Custody has something new: dial, unless a contact is under way and takes it along."""
        self._queued_meanwhile.add(bundle_id)
        if self._current is None:
            # After a failure a short pause stays, or every keystroke of a busy medic would dial a dead link.
            pause_s = RETRY_RULE.first_s if self._failures else 0.0
            self._dial_by(self._last_ended_s + pause_s)

    def link_appeared(self) -> None:
        """The network has changed: what failed before may work now."""
        if self._current is not None:
            # Too late for the attempt under way: should it fail, the next one starts from the shortest pause.
            self._link_news = True
        elif self._failures:
            self._failures = 0
            self._dial_by(self._clock.monotonic_s())

    def enrolled(self) -> None:
        """There is somebody to reach now."""
        self._dial_by(self._clock.monotonic_s())

    def change_link(self, link: LinkSettings) -> None:
        """Other settings from now on; a contact under way by the old ones says goodbye."""
        if (link.hub_url, link.name) != (self._link.hub_url, self._link.name):
            self._memory, self._down, self._was_up = LinkMemory(), None, False
        self._link = link
        self._failures = 0
        if self._current is not None:
            self._current.parting.set()
        self._dial_by(self._clock.monotonic_s())
        self._state_changed()

    async def run(self) -> None:
        """Dial by the rules until cancelled."""
        while True:
            self._stirred.clear()
            pause_s = await self._pause_s()
            if pause_s > 0:
                await self._wait_stirred(pause_s)
                continue
            async with self._turn:
                await self._contact(stays_open=self._link.mode is LinkMode.HOLD)

    async def sync_once(self) -> SyncReport:
        """Until nothing is left to do or the link breaks. Joins a contact that is under way.

        Raises `NotEnrolled`.
        """
        if self._link.hub_url is None or await self._pair() is None:
            raise NotEnrolled(_NOT_ENROLLED)
        joined = self._current
        if joined is not None and joined.stays_open:
            # It would never end by itself. The loop opens it again afterwards.
            joined.parting.set()
            joined = None
        async with self._turn:
            before = joined.outcome if joined is not None else None
            if before is not None and before.report.complete and not await self._spool.transfers.unstored():
                return before.report
            outcome = await self._contact(stays_open=False)
        return outcome.report if before is None else _together(before.report, outcome.report)

    async def _contact(self, *, stays_open: bool) -> ContactOutcome:
        pair = await self._pair()
        if pair is None:
            raise NotEnrolled(_NOT_ENROLLED)
        contact = Contact(
            pair,
            self._dialer_for(self._link, pair),
            self._link,
            diary=self._spool.diary,
            clock=self._clock,
            watcher=self._watcher,
            stays_open=stays_open,
            memory=self._memory,
            greeted=self._greeted,
        )
        self._queued_meanwhile.clear()
        self._link_news = False
        self._current = contact
        try:
            outcome = await contact.run()
        finally:
            self._medium = contact.medium or self._medium
            self._current = None
        await self._note(outcome)
        return outcome

    def _greeted(self) -> None:
        self._failures = 0
        self._down, self._was_up = None, True
        self._state_changed()

    async def _note(self, outcome: ContactOutcome) -> None:
        self._memory = outcome.memory
        self._last_ended_s = self._clock.monotonic_s()
        if outcome.ending in _GOOD_ENDINGS:
            self._failures = 0
            self._next_dial_s = self._last_ended_s + await self._rest_s(outcome)
        else:
            self._failures = 1 if self._link_news else self._failures + 1
            self._next_dial_s = self._last_ended_s + RETRY_RULE.pause_s(self._failures)
            since_s = self._down[0] if self._down else int(self._clock.wall_s())
            self._down = (since_s, outcome.report.ended)
        self._state_changed()

    async def _rest_s(self, outcome: ContactOutcome) -> float:
        """After a good ending: at once if something came too late for it, or if it was asked to end."""
        if outcome.ending is Ending.PARTED:
            return 0.0
        unstored = {transfer.bundle_id for transfer in await self._spool.transfers.unstored()}
        return 0.0 if unstored & self._queued_meanwhile else self._link.poll_s

    async def _pause_s(self) -> float:
        """Until the next dial is due."""
        if self._link.hub_url is None or self._link.mode is LinkMode.MANUAL or await self._pair() is None:
            return math.inf
        return self._next_dial_s - self._clock.monotonic_s()

    async def _pair(self) -> Pair | None:
        pairing = await self._spool.pairings.current()
        if pairing is None:
            return None
        return Pair(
            pseudonym=pairing.pseudonym,
            link_secret=pairing.link_secret,
            store=await self._spool.custody(pairing),
        )

    def _dial_by(self, moment_s: float) -> None:
        self._next_dial_s = min(self._next_dial_s, moment_s)
        self._stirred.set()

    async def _wait_stirred(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(None if math.isinf(pause_s) else pause_s):
                await self._stirred.wait()
        except TimeoutError:
            return


def _in_short(reason: str) -> str:
    """What fits a status line: the first sentence, without the machine's own words in brackets."""
    return reason.partition(". ")[0].partition(" (")[0].rstrip(".")


def _together(first: SyncReport, second: SyncReport) -> SyncReport:
    """Two contacts as one: the sums, and how the second ended."""
    return SyncReport(
        link=second.link,
        ended=second.ended,
        complete=second.complete,
        seconds=round(first.seconds + second.seconds, 3),
        bundles_sent=first.bundles_sent + second.bundles_sent,
        bundles_received=first.bundles_received + second.bundles_received,
        bytes_up=first.bytes_up + second.bytes_up,
        bytes_down=first.bytes_down + second.bytes_down,
        payload_up=first.payload_up + second.payload_up,
        payload_down=first.payload_down + second.payload_down,
        bytes_received_twice=first.bytes_received_twice + second.bytes_received_twice,
        usd=first.usd + second.usd,
    )
