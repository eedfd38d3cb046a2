"""A place that a referral adds may write in the case, in whatever order the two arrive; no other may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.actors import Party
from protocol.bundle import EntryBundle
from protocol.clinical import Note
from protocol.entry import SignedEntry
from protocol.header import Priority
from protocol.ids import ActorId, CaseId, key_id_of, mailbox_of
from protocol.movement import Referral
from protocol.records import NewRecord
from tests.sfnode.services.station import HUB, HubDesk, Station, open_station

WARD = mailbox_of("Elsewhere", "ward")
REFERRAL = NewRecord(Referral(to=WARD, service="Ward", urgency=Priority.URGENT, reason="operation"))


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


async def ward_of(station: Station) -> HubDesk:
    """Another hub whose key this site believes."""
    ward = HubDesk(
        key=Ed25519PrivateKey.from_private_bytes(b"w" * 32),
        author=ActorId(b"ward-001"),
        seen=station.desk.seen,
    )
    row = (HUB, key_id_of(ward.public_key), ward.public_key, WARD, int(Party.HUB))
    await station.vault.database.write(
        lambda connection: connection.execute(
            "INSERT INTO signer (hub, key_id, public_key, mailbox, party) VALUES (?, ?, ?, ?, ?)", row
        )
    )
    return ward


async def notes(station: Station, case_id: CaseId) -> list[str]:
    return [line.split(": ", 1)[1] for line in (await station.book.case_view(case_id)).notes]


def note_of(ward: HubDesk, case_id: CaseId) -> SignedEntry:
    return ward.write(case_id, NewRecord(Note(language="en", text="Bed 3 is ready.")))


async def test_a_place_that_nobody_added_is_kept_aside(station: Station) -> None:
    case_id = await station.sent_case()
    ward = await ward_of(station)
    ingested = await station.book.ingest(EntryBundle((note_of(ward, case_id),)), HUB)
    assert "not a member of this case's care team" in ingested.quarantined[0].reason
    assert await notes(station, case_id) == []


@pytest.mark.parametrize("referral_first", [True, False])
async def test_a_place_that_was_added_is_heard(station: Station, referral_first: bool) -> None:
    case_id = await station.sent_case()
    ward = await ward_of(station)
    arriving = [station.desk.write(case_id, REFERRAL), note_of(ward, case_id)]
    for signed in arriving if referral_first else reversed(arriving):
        await station.book.ingest(EntryBundle((signed,)), HUB)
    assert await notes(station, case_id) == ["Bed 3 is ready."]
    assert await station.book.quarantined() == ()


async def test_a_place_that_was_added_to_one_case_is_not_heard_in_another(station: Station) -> None:
    case_id, other = await station.sent_case(), await station.sent_case()
    ward = await ward_of(station)
    await station.book.ingest(EntryBundle((station.desk.write(case_id, REFERRAL),)), HUB)
    await station.book.ingest(EntryBundle((note_of(ward, other),)), HUB)
    assert await notes(station, other) == []
