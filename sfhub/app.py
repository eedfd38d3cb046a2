"""The composition root: one open hub, with every part given what it needs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from protocol.errors import SuiteUnavailable
from protocol.sealing import HpkeSealer, Sealer
from protocol.small_seal import require_small_profile
from sync.ports import Clock
from sync.stores.applied import APPLIED_SCHEMA
from sync.stores.ballast import Ballast
from sync.stores.case_keys import CASE_KEYS_SCHEMA, CaseKeyRing
from sync.stores.database import Database, Execution, ThreadFactory
from sync.stores.erasure_journal import JOURNAL_FILE, ErasureJournal
from sync.stores.identity import RENEWALS, sidecar_of
from sync.stores.notices import NOTICES_SCHEMA, Notices
from sync.stores.peer_keys import PEER_KEYS_SCHEMA
from sync.stores.sqlite import CUSTODY_SCHEMA, SqliteStore

from .clock import SystemClock
from .config import HubFolder, HubIdentity, create_folder, read_settings, write_settings
from .errors import CipherMissing
from .keystore import KeyStore, create_keys, load_keys
from .services.backup import Backups
from .services.changes import Changes
from .services.contacts import Contacts
from .services.enrolment import Enrolment
from .services.erasing import Erasing
from .services.ingest import Ingest
from .services.outbox import Outbox
from .services.people import People
from .services.prekeys import Prekeys
from .services.replies import Replies
from .services.returning import Returning
from .services.revocation import Revocations
from .services.sites import Sites
from .services.worklist import Worklist
from .storage.arrived import has_come
from .storage.objects import ObjectStore
from .storage.outbox import has_gone
from .storage.revocation_journal import REVOCATIONS_FILE, RevocationJournal
from .storage.sites import doubt_generations
from .storage.tables import HUB_SCHEMA


@dataclass(slots=True)
class Address:
    """Where browsers reach this hub, once a server listens."""

    base: str = ""
    udp: str = ""
    """Where sites reach it in datagrams, if it listens for them."""
    udp_described: Callable[[], tuple[str, ...]] = tuple
    """How that goes, in short lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The parts of one hub, open."""

    folder: HubFolder
    identity: HubIdentity
    clock: Clock
    keys: KeyStore
    database: Database
    custody: SqliteStore
    changes: Changes
    sites: Sites
    enrolment: Enrolment
    people: People
    worklist: Worklist
    outbox: Outbox
    replies: Replies
    ingest: Ingest
    contacts: Contacts
    prekeys: Prekeys
    revocations: Revocations
    erasing: Erasing
    backups: Backups
    returning: Returning
    notices: Notices
    address: Address
    ballast: Ballast | None

    @property
    def troubles(self) -> tuple[str, ...]:
        """What its operator and its clinicians have to know now, in sentences."""
        full = "" if self.ballast is None else self.ballast.trouble
        parts = (self.ingest, self.outbox, self.erasing, self.revocations)
        return tuple(filter(None, (full, *(part.trouble for part in parts))))


def init_hub(folder: HubFolder, identity: HubIdentity) -> None:
    """Make a new hub; cut off in the middle, the same call finishes it."""
    create_folder(folder, identity)
    create_keys(folder.keys)
    write_settings(folder, identity)


@asynccontextmanager
async def open_hub(
    folder: HubFolder,
    clock: Clock | None = None,
    *,
    execution: Execution | ThreadFactory = Execution.THREADS,
    sealer: Sealer | None = None,
    ballast: Ballast | None = None,
) -> AsyncIterator[Hub]:
    """The hub in `folder`, for as long as the context lasts; nobody else can open it meanwhile.

    `execution` says where transactions run; `ballast` is given up when the disk is full.
    Raises `NotInitialised`, `FolderUnusable`, `CipherMissing`, and the stores' errors.
    """
    _require_ciphers()
    identity, keys = read_settings(folder), load_keys(folder.keys)
    clock, sealer = clock or SystemClock(), sealer or HpkeSealer(os.urandom)
    async with AsyncExitStack() as stack:
        database, custody = await _open_stores(stack, folder, keys, clock, execution, ballast)
        changes, objects = Changes(), ObjectStore(folder.objects)
        sites = Sites(database, identity, keys, clock)
        await sites.reload()
        outbox = Outbox(database, custody, sites, sealer, objects, changes, clock)
        ingest = Ingest(
            database, custody, sites, keys, sealer, objects, changes, clock, keys_stated=outbox.check_and_seal
        )
        notices, returning = Notices(database), Returning(database, custody, sites, outbox, clock)
        contacts = Contacts(sites, custody, ingest, outbox, returning, notices, clock)
        prekeys = Prekeys(database, identity, keys, sites, outbox, clock)
        journal = ErasureJournal(folder.keys / JOURNAL_FILE, keys.storage)
        listed = RevocationJournal(folder.keys / REVOCATIONS_FILE, keys.storage)
        erasing = Erasing(database, custody, sites, keys, outbox, objects, journal, changes, clock)
        revocations = Revocations(database, identity, keys, sites, outbox, contacts, listed, clock)
        # Before anybody can read: what a backup has brought back must not be seen, nor let in.
        await erasing.carry_through()
        await revocations.catch_up()
        yield Hub(
            folder=folder,
            identity=identity,
            clock=clock,
            keys=keys,
            database=database,
            custody=custody,
            changes=changes,
            sites=sites,
            enrolment=Enrolment(database, identity, keys, sites, outbox, clock, enrolled=prekeys.wake),
            people=People(database, clock),
            worklist=Worklist(database, sites, objects),
            outbox=outbox,
            replies=Replies(database, sites, keys, outbox, changes, clock),
            ingest=ingest,
            contacts=contacts,
            prekeys=prekeys,
            revocations=revocations,
            erasing=erasing,
            returning=returning,
            notices=notices,
            backups=Backups(folder, identity, keys, database, custody, clock),
            address=Address(),
            ballast=ballast,
        )


async def _open_stores(
    stack: AsyncExitStack,
    folder: HubFolder,
    keys: KeyStore,
    clock: Clock,
    execution: Execution | ThreadFactory,
    ballast: Ballast | None,
) -> tuple[Database, SqliteStore]:
    """Records and custody, each known to be of this machine and of the other; `stack` closes them."""
    database = await Database.open(
        folder.database,
        [HUB_SCHEMA, CASE_KEYS_SCHEMA, PEER_KEYS_SCHEMA, NOTICES_SCHEMA, APPLIED_SCHEMA],
        execution=execution,
        connect=CaseKeyRing(keys.storage).connect,
        ballast=ballast,
    )
    stack.push_async_callback(database.close)
    custody_database = await Database.open(
        folder.custody, [CUSTODY_SCHEMA], execution=execution, ballast=ballast
    )
    stack.push_async_callback(custody_database.close)
    custody = SqliteStore(custody_database, wall_s=clock.wall_s)
    if (sidecar := sidecar_of(folder.custody, folder.identities)) is not None:
        if await custody.identify(sidecar) in RENEWALS:
            await database.write(doubt_generations)
        stack.push_async_callback(custody.settle)
    await custody.recover_applied(database, came=has_come, went=has_gone)
    return database, custody


def _require_ciphers() -> None:
    try:
        require_small_profile()
    except SuiteUnavailable as error:
        raise CipherMissing(str(error)) from error
