"""What a session with a site sets off in the hub: "heard from", ingest, and what the site now holds."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from protocol.ids import Pseudonym
from protocol.stamps import Certainty
from sync.core import (
    BundleReceived,
    BundleSent,
    Event,
    PeerGreeted,
    PeerProven,
    ReceiptsMoved,
    RekeyAsked,
    SessionEnded,
    SessionTerms,
)
from sync.core.events import BundlesLost, EntriesReturning, ForkSeen
from sync.driver import Observer, SessionReport, Setting
from sync.links.callee import Callee
from sync.ports import Clock, LinkRefused
from sync.signal import Signal
from sync.stores.errors import StoreError
from sync.stores.notices import Notices
from sync.stores.sqlite import SqliteStore

from ..domain.notice_words import site_restored, worded
from ..storage.sites import Pair
from .ingest import Ingest
from .outbox import Outbox
from .returning import Returning
from .sites import Sites

RETRY_AFTER_S: Final = 5.0

_log = logging.getLogger(__name__)


class Contacts:
    """Opens sessions' surroundings, and listens to what happens in them."""

    def __init__(
        self,
        sites: Sites,
        custody: SqliteStore,
        ingest: Ingest,
        outbox: Outbox,
        returning: Returning,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self._sites = sites
        self._custody = custody
        self._ingest = ingest
        self._outbox = outbox
        self._returning = returning
        self._notices = notices
        self._clock = clock
        self._rolled_back: set[int] = set()
        self._heard: set[int] = set()
        self._partings: dict[int, Signal] = {}
        self._stirred = asyncio.Event()
        self.sessions_ended = 0
        self.bytes_received_twice = 0
        """Payload bytes that sites sent although they were durable here, over all sessions that ended."""
        self.parting = Signal()
        """Set when the hub ends: sessions say goodbye."""

    def end_all(self) -> None:
        """The hub ends: every session says goodbye, and so does each that begins from now on."""
        self.parting.set()
        for parting in self._partings.values():
            parting.set()

    def end_sessions(self, pair: Pair) -> None:
        """The pair's sessions say goodbye; a later one begins unharmed, if it is let in."""
        if (parting := self._partings.pop(pair.number, None)) is not None:
            parting.set()

    def pair_of(self, pseudonym: Pseudonym) -> Pair | None:
        """Who calls, None for a stranger."""
        return self._sites.directory.pair_of(pseudonym)

    async def callee(self, pseudonym: Pseudonym) -> Callee | None:
        """With whom a caller gets to talk. `LinkRefused` for a device whose key was revoked."""
        pair = self.pair_of(pseudonym)
        if pair is None:
            return None
        if pair.revoked:
            raise LinkRefused(
                "The key of this device was revoked at the hub. Nothing is lost: everything stays here. If "
                "the device is yours, call the hub; it can be enrolled again with a new vault."
            )
        return Callee(link_secret=self.link_secret(pair), setting=await self.setting(pair))

    def link_secret(self, pair: Pair) -> bytes:
        return self._sites.secrets(pair).link

    async def setting(self, pair: Pair) -> Setting:
        """What a session with this pair runs in."""
        return Setting(
            store=await self._custody.pair(pair.pseudonym),
            clock=self._clock,
            # Whether a session is held open is for the site to say, which pays for the link.
            terms=SessionTerms(
                stays_open=True, wall_s=max(0, int(self._clock.wall_s())), certainty=Certainty.SYNCED
            ),
            observer=self._observer(pair),
            parting=self._parting(pair),
        )

    def session_ended(self, _: Pseudonym, report: SessionReport) -> None:
        """Count what a session cost, for the operator; a restart begins again at zero."""
        self.sessions_ended += 1
        self.bytes_received_twice += report.counters.duplicate_bytes_received

    async def run(self) -> None:
        """Write down who was heard; until cancelled. A disk that refuses does not end the hub: it is asked
        again."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            try:
                await self._note_heard()
                await self.note_restored()
            except (StoreError, OSError) as error:
                _log.error("writing down who was heard halted: %s", error)
                self._stirred.set()
                await asyncio.sleep(RETRY_AFTER_S)

    async def _note_heard(self) -> None:
        while self._heard:
            number = next(iter(self._heard))
            pair = self._sites.directory.pair_numbered(number)
            if pair is not None:
                await self._sites.heard(pair)
            self._heard.discard(number)

    async def note_restored(self) -> None:
        """Tell people of sites that turned out to lack what they held."""
        while self._rolled_back:
            number = self._rolled_back.pop()
            pair = self._sites.directory.pair_numbered(number)
            if pair is not None:
                notice = site_restored(pair.site, pair.site_name)
                try:
                    await self._notices.add(notice, now_s=self._clock.wall_s())
                except (StoreError, OSError):
                    self._rolled_back.add(number)
                    raise

    async def told_once(self) -> tuple[str, ...]:
        """What people have to be told, the newest first, until somebody has seen it."""
        now_s = self._clock.wall_s()
        await self.note_restored()
        for pair in self._sites.directory.pairs:
            custody = await self._custody.pair(pair.pseudonym)
            words = worded(pair.site, pair.site_name)
            await self._notices.collect(pair.pseudonym, custody, words, now_s=now_s)
        return await self._notices.shown(now_s=now_s)

    def _parting(self, pair: Pair) -> Signal:
        """One for all sessions of a pair: no more than there are pairs."""
        if self.parting.is_set():
            return self.parting
        return self._partings.setdefault(pair.number, Signal())

    def _observer(self, pair: Pair) -> Observer:
        caller = _Caller(self._sites, pair)

        def observe(event: Event) -> None:
            caller.note(event)
            match event:
                case BundleReceived():
                    self._ingest.wake(pair)
                case BundleSent() | ReceiptsMoved() | RekeyAsked() | SessionEnded():
                    self._outbox.check(pair)
                case BundlesLost() | ForkSeen(ours=False):
                    self._rolled_back.add(pair.number)
                case EntriesReturning(ours=False):
                    self._returning.check(pair)
            if caller.is_site:
                self._heard.add(pair.number)
            self._stirred.set()

        return observe


class _Caller:
    """Who speaks in one session: the site, or somebody who plays a recorded first flight again.

    A contact over datagrams that finds nothing new is over before the site has proven that it speaks now; but
    it opens no session twice.
    """

    def __init__(self, sites: Sites, pair: Pair) -> None:
        self.is_site = False
        self._sites = sites
        self._pair = pair
        self._generation = 0

    def note(self, event: Event) -> None:
        """In the order in which they happen."""
        match event:
            case PeerGreeted(generation=generation):
                self._generation = generation
                self.is_site = self._sites.is_newer(self._pair, generation)
            case PeerProven():
                self.is_site = True
            case _:
                return
        if self.is_site:
            self._sites.opened(self._pair, self._generation)
