"""Queues for the hub what it once had and has lost; the inside of one transaction.

What is given back keeps the signature of whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from protocol.actors import Party
from protocol.entry import read_entry
from protocol.header import Priority
from protocol.ids import BundleId, CaseId, EntryId, key_id_of
from sfnode.vault.arrived import came_in, signed_by
from sfnode.vault.entries import priority_of, read_signed
from sfnode.vault.hubs import Hub
from sfnode.vault.outbox import is_entry_queued, queue_again, queue_entries
from sync.ports import Rank
from sync.stores.connection import Connection

GIVEN_BACK: Final = "given back"
"""What a bundle is called in which the hub gets its own words back."""


def give_back_bundles(connection: Connection, hub: Hub, bundle_ids: Sequence[BundleId], *, now_s: int) -> int:
    """Queue what these bundles of the hub's have brought; of how many there is nothing to give."""
    missing = 0
    for bundle_id in bundle_ids:
        entries = came_in(connection, hub, bundle_id)
        missing += not entries
        for case_id, named in groupby(entries, key=lambda entry: entry[0]):
            _queue(connection, hub, case_id, [entry_id for _, entry_id in named], now_s)
    return missing


def queue_all_again(connection: Connection, hub: Hub, *, now_s: int) -> None:
    """This site was enrolled anew with that hub: whatever it sent there before, the hub of now may lack. What
    the hub's present key has signed is given back; what a lost key signed, nobody there could check."""
    queue_again(connection, hub.hub)
    present = key_id_of(hub.signing)
    for case_id, entry_id in signed_by(connection, hub, int(Party.HUB)):
        (signed,) = read_signed(connection, [entry_id])
        if read_entry(signed).signer == present:
            _queue(connection, hub, case_id, [entry_id], now_s)


def _queue(
    connection: Connection, hub: Hub, case_id: CaseId, entry_ids: Sequence[EntryId], now_s: int
) -> None:
    """Each entry once: what waits already, or was given back before, custody looks after."""
    lacking = [entry_id for entry_id in entry_ids if not is_entry_queued(connection, hub.hub, entry_id)]
    if lacking:
        queue_entries(
            connection,
            read_signed(connection, lacking),
            case_id=case_id,
            hub=hub.hub,
            what=GIVEN_BACK,
            priority=priority_of(connection, case_id) or Priority.URGENT,
            rank=Rank.TEXT,
            queued_s=now_s,
        )
