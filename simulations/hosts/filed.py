"""What lies in the cases of a site or hub, read from its disk by a fresh start of its own stores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from protocol.actors import Party
from protocol.case_keys import CaseKey
from protocol.entry import Entry
from sfhub.app import open_hub
from sfhub.config import HubFolder
from sfhub.errors import NotFound, ObjectDamaged
from sfhub.services.backup_check import pictures_named
from sfhub.services.case_files import load_case
from sfhub.storage.cases import all_case_heads
from sfhub.storage.objects import ObjectStore
from sfnode.vault.entries import case_ids, read_case
from sfnode.vault.vault import Vault
from sync.stores.case_keys import key_of
from sync.stores.connection import Connection
from sync.stores.database import Execution

from .clock import MachineClock
from .site import PASSPHRASE


@dataclass(frozen=True, slots=True)
class Filed:
    """One record in one case, and who wrote it."""

    case: bytes
    patient: bytes
    record: bytes
    by_hub: bool
    is_sent: bool
    """Of a case that the site has sent: a draft is nobody else's."""


async def filed_at_site(folder: Path) -> tuple[Filed, ...]:
    """Nobody else may have the vault open."""
    vault = await Vault.unlock(folder, PASSPHRASE, execution=Execution.INLINE)

    def work(connection: Connection) -> tuple[Filed, ...]:
        found: list[Filed] = []
        for case_id in case_ids(connection):
            case = read_case(connection, case_id)
            if case is None:
                continue
            for kept in case.entries:
                found += _records(
                    case_id,
                    kept.entry,
                    by_hub=kept.party is Party.HUB,
                    is_sent=case.sent_s is not None or not case.is_consult,
                )
        return tuple(found)

    try:
        return await vault.database.read(work)
    finally:
        await vault.close()


async def filed_at_hub(folder: Path) -> tuple[Filed, ...]:
    """Nobody else may have the hub open."""
    async with open_hub(HubFolder(folder), MachineClock(), execution=Execution.INLINE) as hub:

        def work(connection: Connection) -> tuple[Filed, ...]:
            found: list[Filed] = []
            for head in all_case_heads(connection):
                file = load_case(connection, head.case_id, hub.sites.directory)
                for arrived in file.entries:
                    found += _records(
                        head.case_id, arrived.entry, by_hub=arrived.party is Party.HUB, is_sent=True
                    )
            return tuple(found)

        return await hub.database.read(work)


async def device_key(folder: Path) -> bytes:
    """By which a site's device signs. Nobody else may have its vault open."""
    vault = await Vault.unlock(folder, PASSPHRASE, execution=Execution.INLINE)
    try:
        return (await vault.directory.identity()).signing_public
    finally:
        await vault.close()


async def keys_admitted(folder: Path) -> tuple[bytes, ...]:
    """Of every device that ever joined this hub. Nobody else may have it open."""
    async with open_hub(HubFolder(folder), MachineClock(), execution=Execution.INLINE) as hub:
        return tuple(pair.signing_key for pair in hub.sites.directory.pairs)


@dataclass(frozen=True, slots=True)
class FiledPicture:
    """One layer of a photograph, as a hub says that it has it."""

    case: bytes
    blob: bytes
    opens: bool


async def pictures_filed(folder: Path) -> tuple[FiledPicture, ...]:
    """Of one hub. Nobody else may have it open."""
    async with open_hub(HubFolder(folder), MachineClock(), execution=Execution.INLINE) as hub:
        objects = ObjectStore(hub.folder.objects)

        def work(connection: Connection) -> tuple[FiledPicture, ...]:
            return tuple(
                FiledPicture(case_id, blob, _opens(objects, key_of(connection, case_id), blob))
                for case_id, blob in pictures_named(connection)
            )

        return await hub.database.read(work)


def _opens(objects: ObjectStore, key: CaseKey, blob: bytes) -> bool:
    try:
        objects.get(key, blob)
    except (NotFound, ObjectDamaged):
        return False
    return True


def _records(case_id: bytes, entry: Entry, *, by_hub: bool, is_sent: bool) -> Iterable[Filed]:
    return [Filed(case_id, record.patient_id, record.record_id, by_hub, is_sent) for record in entry.records]
