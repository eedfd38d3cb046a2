"""What sessions report, turned into facts in the spool and into progress that clients can show.

A session must never wait for us: its events are noted, newest progress replacing older, and worked off here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from protocol.ids import BundleId, Pseudonym
from sfnode.domain.notice_words import HUB_RESTORED, SITE_RESTORED
from sfnode.spool.spool import Spool
from sfnode.views import TransferView
from sync.core.events import (
    BundleProgress,
    BundleReceived,
    BundleSent,
    BundlesLost,
    Direction,
    EntriesReturning,
    Event,
    ForkSeen,
    PeerGreeted,
    PeerRefused,
    ReceiptsMoved,
    RekeyAsked,
    RolledBackSeen,
    SessionEnded,
)
from sync.ports import Offer
from sync.stores.notices import Notice
from sync.stores.sqlite import SqlitePairStore

from .alarms import Alarms
from .clock import SiteClock, moment_of
from .contact import Watcher
from .hub_names import shown_name, told_of
from .inbox import Inbox
from .labels import Label, Labels
from .outgoing import GOING
from .progress import SpoolCarriage

REPORT_EVERY_S: Final = 0.1
"""Ten reports a second are more than any eye or terminal can follow."""
RECEIVED: Final = "received"
_Bundle = tuple[Pseudonym, BundleId]
"""One hub's number says nothing of another's bundle."""
_FORK_TEXT: Final = (
    "This device or the hub looks copied or restored from a backup ({reason}). Nothing is lost, and both go "
    "on. Tell the operator of the hub."
)


@dataclass(frozen=True, slots=True)
class _Ear:
    """The watcher of the contacts with one hub."""

    note: Callable[[Pseudonym, Event], None]
    pair: Pseudonym

    def happened(self, event: Event) -> None:
        self.note(self.pair, event)


class SessionWatch:
    """Hears of every contact, and keeps apart what belongs to one hub and what to another."""

    def __init__(
        self,
        spool: Spool,
        *,
        carriage: SpoolCarriage,
        labels: Labels,
        inbox: Inbox,
        alarms: Alarms,
        clock: SiteClock,
        tell: Callable[[TransferView], None],
        status_changed: Callable[[], None],
        rekey_asked: Callable[[], None] = lambda: None,
        asked_back: Callable[[], None] = lambda: None,
        greeted: Callable[[Pseudonym], Awaitable[None]] | None = None,
        stored: Callable[[BundleId], Awaitable[None]] | None = None,
    ) -> None:
        self._spool = spool
        self._carriage = carriage
        self._labels = labels
        self._inbox = inbox
        self._alarms = alarms
        self._clock = clock
        self._tell = tell
        self._status_changed = status_changed
        self._rekey_asked = rekey_asked
        self._asked_back = asked_back
        self._greeted = greeted
        self._stored = stored
        self._facts: list[tuple[Pseudonym, Event]] = []
        self._progress: dict[_Bundle, BundleProgress] = {}
        self._arriving: dict[_Bundle, TransferView] = {}
        self._stirred = asyncio.Event()
        self._turn = asyncio.Lock()

    def of(self, pair: Pseudonym) -> Watcher:
        """Whom contacts with that pair's hub tell what happens; it only notes it, and never waits."""
        return _Ear(self._note, pair)

    def _note(self, pair: Pseudonym, event: Event) -> None:
        if isinstance(event, BundleProgress):
            self._progress[pair, event.offer.bundle_id] = event
        else:
            self._facts.append((pair, event))
        self._stirred.set()

    @property
    def arriving(self) -> tuple[TransferView, ...]:
        """Bundles of the hubs' that are partly here."""
        return tuple(self._arriving.values())

    async def run(self) -> None:
        """Work off what happened until cancelled."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            await self.catch_up()
            await asyncio.sleep(REPORT_EVERY_S)

    async def catch_up(self) -> None:
        """On return, all that happened before is in the spool and was told."""
        async with self._turn:
            progress, self._progress = self._progress, {}
            facts, self._facts = self._facts, []
            try:
                # A fact may settle a bundle, so progress that was noted before it is told first.
                for (pair, _), report in progress.items():
                    await self._report(pair, report)
                while facts:
                    await self._settle(*facts.pop(0))
            finally:
                # One that could not be written down keeps none of the others from it.
                self._facts[:0] = facts
                if facts:
                    self._stirred.set()

    async def _report(self, pair: Pseudonym, report: BundleProgress) -> None:
        bundle_id = report.offer.bundle_id
        if report.direction is Direction.RECEIVING:
            view = await self._view_down(pair, report.offer, report.durable_bytes, GOING)
            self._arriving[pair, bundle_id] = view
            self._tell(view)
            return
        await self._count(pair, bundle_id, report.durable_bytes)
        await self._tell_up(pair, report.offer)

    async def _count(self, pair: Pseudonym, bundle_id: BundleId, durable_bytes: int) -> None:
        carriage = self._carriage.of(pair)
        more_bytes = await carriage.heard(bundle_id, durable_bytes)
        carriage.rate.add(more_bytes, self._clock.monotonic_s())

    async def _settle(self, pair: Pseudonym, fact: Event) -> None:
        match fact:
            case PeerGreeted():
                self._carriage.of(pair).rate.begin(self._clock.monotonic_s())
                if self._greeted is not None:
                    await self._greeted(pair)
            case BundleSent(offer) | PeerRefused(offer, _):
                await self._settle_up(pair, offer)
            case BundleReceived(offer):
                await self._settle_down(pair, offer)
            case ReceiptsMoved() | SessionEnded():
                await self._reconcile(pair, ended=isinstance(fact, SessionEnded))
            case _:
                await self._settle_disagreement(pair, fact)

    async def _settle_disagreement(self, pair: Pseudonym, fact: Event) -> None:
        """One of the two ends does not have what it had, or cannot open it."""
        match fact:
            case BundlesLost():
                await self._recheck_stored(pair)
                await self._add_notice(pair, HUB_RESTORED)
                self._rekey_asked()
            case RekeyAsked():
                await self._recheck_stored(pair)
                self._rekey_asked()
            case RolledBackSeen():
                await self._spool.notices.add(SITE_RESTORED, now_s=self._now_s())
                self._status_changed()
            case EntriesReturning(ours=False):
                self._asked_back()
            case ForkSeen(incarnation, _, reason):
                await self._alarms.raise_for_station(
                    f"fork:{incarnation.hex()}", _FORK_TEXT.format(reason=reason)
                )

    async def _add_notice(self, pair: Pseudonym, notice: Notice) -> None:
        notice = told_of(notice, pair, await self._spool.pairings.all())
        await self._spool.notices.add(notice, now_s=self._now_s())

    async def _settle_up(self, pair: Pseudonym, offer: Offer) -> None:
        state = await (await self._custody(pair)).sent_state(offer.bundle_id)
        if state is not None and state.stored:
            # A bundle of one chunk is stored before any report of progress.
            await self._count(pair, offer.bundle_id, offer.size_bytes)
            known = (await self._spool.transfers.of([offer.bundle_id])).get(offer.bundle_id)
            if known is None or known.stored_s is None:  # Mostly its receipt was worked off just before.
                await self._note_stored(pair, offer.bundle_id)
        self._carriage.of(pair).settled(offer.bundle_id)
        await self._tell_up(pair, offer)
        self._status_changed()

    async def _settle_down(self, pair: Pseudonym, offer: Offer) -> None:
        await self._spool.transfers.note_arrived(pair, offer.bundle_id, moment_of(self._clock))
        self._arriving.pop((pair, offer.bundle_id), None)
        self._tell(await self._view_down(pair, offer, offer.size_bytes, RECEIVED))
        self._inbox.wake()
        self._status_changed()

    async def _reconcile(self, pair: Pseudonym, *, ended: bool) -> None:
        """Receipts may also concern bundles that an earlier session sent: custody knows."""
        custody, carriage = await self._custody(pair), self._carriage.of(pair)
        for transfer in await self._spool.transfers.unstored(pair):
            state = await custody.sent_state(transfer.bundle_id)
            if state is not None and state.damaged:
                # Found when it was to be sent: like what cannot be opened, it is sealed once more.
                self._rekey_asked()
            if state is not None and state.stored:
                carriage.settled(transfer.bundle_id)
                await self._note_stored(pair, transfer.bundle_id)
                label = self._labels.of_ours(transfer.bundle_id, transfer.priority)
                await self._tell_progress(pair, transfer.bundle_id, transfer.size_bytes, label)
        if ended:
            carriage.contact_ended()
            self._arriving = {each: view for each, view in self._arriving.items() if each[0] != pair}
        self._status_changed()

    async def _note_stored(self, pair: Pseudonym, bundle_id: BundleId) -> None:
        await self._spool.transfers.note_stored(pair, [bundle_id], now_s=self._now_s())
        if self._stored is not None:
            await self._stored(bundle_id)

    async def _recheck_stored(self, pair: Pseudonym) -> None:
        """What the hub lost with an older backup, or cannot open, is not there: it goes once more."""
        custody = await self._custody(pair)
        lost = []
        for bundle_id in await self._spool.transfers.stored(pair):
            state = await custody.sent_state(bundle_id)
            if state is not None and not state.stored:
                self._carriage.of(pair).settled(bundle_id)
                lost.append(bundle_id)
        await self._spool.transfers.note_lost(pair, lost)
        self._status_changed()

    async def _tell_up(self, pair: Pseudonym, offer: Offer) -> None:
        label = self._labels.of_ours(offer.bundle_id, offer.priority)
        await self._tell_progress(pair, offer.bundle_id, offer.size_bytes, label)

    async def _tell_progress(
        self, pair: Pseudonym, bundle_id: BundleId, size_bytes: int, label: Label
    ) -> None:
        progress = (await self._carriage.progress([bundle_id])).get(bundle_id)
        if progress is not None:
            self._tell(
                TransferView(
                    what=label.what,
                    case=label.case,
                    direction="up",
                    size_bytes=size_bytes,
                    done_bytes=progress.done_bytes,
                    state=progress.state,
                    eta_s=progress.eta_s,
                    stored_s=progress.stored_s,
                    usd=progress.usd,
                    arrival=progress.arrival,
                    hub=shown_name(pair, await self._spool.pairings.all()),
                )
            )

    async def _view_down(self, pair: Pseudonym, offer: Offer, done_bytes: int, state: str) -> TransferView:
        label = self._labels.of_hubs(offer.priority)
        return TransferView(
            what=label.what,
            case=label.case,
            direction="down",
            size_bytes=offer.size_bytes,
            done_bytes=done_bytes,
            state=state,
            eta_s=None,
            stored_s=None,
            usd=done_bytes * (await self._carriage.way(pair)).usd_per_byte,
            hub=shown_name(pair, await self._spool.pairings.all()),
        )

    async def _custody(self, pair: Pseudonym) -> SqlitePairStore:
        return await self._spool.custody_of(pair)

    def _now_s(self) -> int:
        return max(0, int(self._clock.wall_s()))
