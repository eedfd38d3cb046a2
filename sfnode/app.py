"""The composition root of a node: every part of its daemon, wired, and run under one owner.

Law: killed at any moment, it starts again by itself and goes on; only the vault waits for the passphrase.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from protocol.ids import Pseudonym
from sync.envelope import SealedContent
from sync.local_socket import LocalServer
from sync.stores.errors import StoreHalted

from .api.case_calls import CaseCalls
from .api.hub_calls import HubCalls
from .api.methods import answer, describe_fault, log_fault, methods_of
from .api.station_calls import StationCalls
from .config import LinkSettings, NodeFolder, SiteSettings
from .services.alarm_sound import AlarmSound
from .services.alarms import Alarms
from .services.arrivals import ArrivalForecasts
from .services.carriers import outlooks
from .services.casebook import CaseBook
from .services.contacts import Contacts
from .services.enrolment import Enrolment, HttpCourier
from .services.erasing import Erasing
from .services.happenings import AlarmRaised, CasebookEvent, CaseChanged, OutboxGrew
from .services.inbox import Inbox
from .services.labels import Labels
from .services.leaving import Leaving
from .services.link_book import LinkBook
from .services.outbox import Outbox
from .services.outgoing import Outgoing
from .services.prices import Prices
from .services.progress import SpoolCarriage
from .services.pruning import Pruning
from .services.returning import Returning
from .services.session_watch import SessionWatch
from .services.station_keys import StationKeys
from .services.status import Status
from .services.supervision import keep_running
from .services.transfers import TransferList
from .services.vault_access import VaultAccess
from .spool.spool import Spool
from .surroundings import Surroundings
from .telling import Telling
from .vault.vault import Vault


class Daemon:
    """Every part of one node, wired."""

    def __init__(
        self,
        folder: NodeFolder,
        settings: SiteSettings,
        link: LinkSettings,
        spool: Spool,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._surroundings = surroundings = surroundings or Surroundings()
        self._folder = folder
        self._settings = settings
        self._spool = spool
        self._halted: StoreHalted | None = None
        self.server = LocalServer(folder.socket, self.answer, describe_fault)
        self._telling = Telling(self.server)
        self.stopping = asyncio.Event()
        self._clock = surroundings.clock
        sealer = surroundings.sealer
        self._labels = Labels()
        self._arrivals = ArrivalForecasts(
            spool, clock=self._clock, links=lambda: outlooks(self._contacts), trouble=self._trouble
        )
        self._carriage = SpoolCarriage(
            spool, way=lambda pairing: self._contacts.way(pairing), foretold=self._arrivals.told
        )
        self._vault = VaultAccess(
            folder.root, self._open_casebook, execution=surroundings.execution, ballast=surroundings.ballast
        )
        self._alarms = Alarms(
            self._vault,
            spool.alarms,
            sound=AlarmSound(settings.alarm_command),
            clock=self._clock,
            tell=self._telling.alarm,
        )
        self._outbox = self._new_outbox()
        self._inbox = Inbox(
            self._vault,
            spool,
            sealer=sealer,
            clock=self._clock,
            keep_alarms=self._alarms.keep,
            trouble=self._trouble,
        )
        self._keys = StationKeys(self._vault)
        self._erasing = Erasing(self._vault, spool, clock=self._clock, trouble=self._trouble)
        self._returning = Returning(self._vault, spool, clock=self._clock, trouble=self._trouble)
        self._watch = self._new_watch()
        self._link_book = LinkBook(folder.settings, settings, link, changed=self._links_changed)
        self._contacts = Contacts(
            spool,
            clock=self._clock,
            links=self._link_book.links,
            dialer_for=surroundings.dialer_for,
            watcher_of=self._watch.of,
            state_changed=self._telling.status_changed,
        )
        self._prices = self._new_prices()
        self._status = self._new_status()
        self._methods = methods_of(self._case_calls(), self._station_calls(), self._hub_calls())

    async def unlock(self, passphrase: bytes) -> None:
        """Raises `WrongPassphrase`."""
        if await self._vault.unlock(passphrase):
            await self._opened()

    @property
    def unlocked(self) -> bool:
        return self._vault.unlocked

    async def run(self) -> None:
        """Everything but the socket, until `stopping`; then the vault is locked."""
        self._link_book.settle(await self._spool.pairings.all())
        try:
            async with asyncio.TaskGroup() as services:
                tasks = [
                    services.create_task(keep_running(service, failed=partial(self._failed, name)))
                    for name, service in (
                        ("alarms", self._alarms.run),
                        ("keys", self._keys.run),
                        ("sealing", self._outbox.run),
                        ("opening", self._inbox.run),
                        ("giving back", self._returning.run),
                        ("pruning", Pruning(self._spool, clock=self._clock).run),
                        ("progress", self._watch.run),
                        ("dialling", self._contacts.run),
                        (
                            "network news",
                            lambda: self._surroundings.watch_network(self._contacts.link_appeared),
                        ),
                        (
                            "clock news",
                            lambda: self._surroundings.watch_clocks(self._clock, self._alarms.wake),
                        ),
                        ("status", lambda: self._telling.run(self._status.view)),
                    )
                ]
                await self.stopping.wait()
                for task in tasks:
                    task.cancel()
        finally:
            await self._vault.lock()
        if self._halted is not None:
            raise self._halted

    def _failed(self, name: str, error: Exception) -> None:
        log_fault(f"the part for {name}", error)
        self._trouble(f"The part for {name} failed ({type(error).__name__}) and was started again.")

    def _new_outbox(self) -> Outbox:
        return Outbox(
            self._vault,
            self._spool,
            sealer=self._surroundings.sealer,
            clock=self._clock,
            queued=self._queued,
            trouble=self._trouble,
            foretell=self._arrivals.note_queued,
        )

    def _new_prices(self) -> Prices:
        return Prices(
            self._vault,
            self._spool,
            contacts=self._contacts,
            labels=self._labels,
            arrivals=self._arrivals,
            clock=self._clock,
        )

    def _new_watch(self) -> SessionWatch:
        return SessionWatch(
            self._spool,
            carriage=self._carriage,
            labels=self._labels,
            inbox=self._inbox,
            alarms=self._alarms,
            clock=self._clock,
            tell=self._telling.progress,
            status_changed=self._telling.status_changed,
            rekey_asked=self._outbox.wake,
            asked_back=self._returning.wake,
            greeted=self._arrivals.contact_began,
            stored=self._arrivals.stored,
        )

    def _new_status(self) -> Status:
        return Status(
            self._settings.site,
            self._spool,
            vault=self._vault,
            contacts=self._contacts,
            carriage=self._carriage,
            inbox=self._inbox,
            alarms=self._alarms,
            clock=self._clock,
            ballast=self._surroundings.ballast,
            arrivals=self._arrivals,
        )

    def _case_calls(self) -> CaseCalls:
        return CaseCalls(
            self._vault,
            outbox=self._outbox,
            erasing=self._erasing,
            alarms=self._alarms,
            transfers=TransferList(
                self._vault, self._spool, carriage=self._carriage, labels=self._labels, watch=self._watch
            ),
            prices=self._prices,
            pairings=self._spool.pairings,
            clock=self._clock,
            language=self._settings.language,
        )

    def _station_calls(self) -> StationCalls:
        return StationCalls(
            vault=self._vault,
            pairings=self._spool.pairings,
            status=self._status,
            contacts=self._contacts,
            alarms=self._alarms,
            links=self._link_book,
            prices=self._prices,
            opened=self._opened,
            locked=self._locked,
            settled=self._settled,
            stop=self.stopping.set,
        )

    def _hub_calls(self) -> HubCalls:
        return HubCalls(
            self._spool.pairings,
            enrolment=Enrolment(
                self._vault,
                self._spool,
                clock=self._clock,
                courier=HttpCourier(self._link_book.pin_at),
            ),
            leaving=Leaving(
                self._vault,
                self._spool,
                labels=self._labels,
                clock=self._clock,
                sealing=self._outbox.turn,
            ),
            inbox=self._inbox,
            links=self._link_book,
            status=self._status,
            hubs_changed=self._hubs_changed,
        )

    async def answer(self, name: str, values: Mapping[str, Any]) -> object:
        """What a client that calls method `name` is told. Raises as the method does."""
        try:
            return await answer(self._methods, name, values)
        except StoreHalted as error:
            # What is read after an unconfirmed write may never have reached the disk: end, and check.
            self._halted = error
            self.stopping.set()
            raise

    # What parts tell each other.

    def _open_casebook(self, vault: Vault) -> CaseBook:
        return CaseBook(
            vault,
            clock=self._clock,
            carriage=self._carriage,
            language=self._settings.language,
            observer=self._case_happened,
            random_bytes=self._surroundings.random_bytes,
        )

    def _case_happened(self, event: CasebookEvent) -> None:
        match event:
            case CaseChanged(case_id=case_id):
                self._telling.case_changed(case_id)
                self._alarms.wake()
                self._telling.status_changed()
            case OutboxGrew():
                self._outbox.wake()
            case AlarmRaised(alarm=alarm):
                self._alarms.case_alarm_raised(alarm)

    def _queued(self, outgoing: Outgoing, sealed: SealedContent, pair: Pseudonym) -> None:
        self._labels.learn(sealed.bundle_id, what=outgoing.what, case_id=outgoing.case_id)
        self._contacts.queued(sealed.bundle_id, pair)
        self._telling.status_changed()

    def _trouble(self, sentence: str) -> None:
        self._status.note_trouble(sentence)
        self._telling.status_changed()

    async def _opened(self) -> None:
        """The vault was unlocked."""
        # First, so that nobody reads what a restored backup has brought back.
        await self._erasing.carry_through()
        await self._inbox.recover()
        self._labels.learn_all(await self._vault.casebook.dispatches())
        await self._alarms.take_over_from_neutral()
        self._keys.wake()
        self._outbox.wake()
        self._inbox.wake()
        self._returning.wake()
        self._telling.status_changed()

    def _locked(self) -> None:
        self._labels.forget_all()
        self._alarms.wake()
        self._telling.status_changed()

    def _hubs_changed(self) -> None:
        """One was joined or left, or another one is the home hub."""
        self._keys.wake()
        self._outbox.wake()
        self._contacts.hubs_changed()
        self._telling.status_changed()

    async def _settled(self) -> None:
        """A contact that a client waited for is over."""
        await self._watch.catch_up()
        await self._inbox.open_waiting()

    def _links_changed(self) -> None:
        self._contacts.change_links(self._link_book.links)
