"""Cases kept decoded: as good as read anew, whoever asks, and nothing of a change that was undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.ids import CaseId
from sfnode.domain.case_file import CaseFile
from sfnode.vault.entries import CaseCache, mark_sent, read_case, versions
from sync.stores.connection import Connection
from tests.sfnode.services.station import Station, new_case, open_station


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    station = await open_station(tmp_path)
    yield station
    await station.vault.close()


async def add_note(station: Station, case_id: CaseId, text: str) -> None:
    await station.book.add_note(case_id, language="en", text=text)


async def read(station: Station, cache: CaseCache, case_id: CaseId) -> CaseFile:
    case = await station.vault.database.read(lambda connection: cache.read(connection, case_id))
    assert case is not None
    return case


async def test_what_is_kept_is_what_is_read_anew(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    cache = CaseCache()
    for text in ("first", "second", "third"):
        await add_note(station, case_id, text)
        anew = await station.vault.database.read(lambda connection: read_case(connection, case_id))
        assert await read(station, cache, case_id) == anew


async def test_entries_that_are_known_are_not_opened_again(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    cache = CaseCache()
    before = await read(station, cache, case_id)
    assert await read(station, cache, case_id) is before
    await add_note(station, case_id, "more")
    after = await read(station, cache, case_id)
    assert len(after.entries) == len(before.entries) + 1
    assert all(new is old for new, old in zip(after.entries, before.entries, strict=False))


async def test_inside_a_change_it_shows_what_the_change_did_and_keeps_none_of_it(station: Station) -> None:
    case_id = (await station.book.open_case(new_case())).case_id
    cache = CaseCache()
    draft = await read(station, cache, case_id)
    seen: list[CaseFile | None] = []

    def send_and_stumble(connection: Connection) -> None:
        seen.append(cache.look(connection, case_id))
        mark_sent(connection, case_id, 17)
        seen.append(cache.look(connection, case_id))
        raise LookupError

    with pytest.raises(LookupError):
        await station.vault.database.write(send_and_stumble)
    within, sent = seen
    assert within is draft
    assert sent is not None
    assert (draft.sent_s, sent.sent_s) == (None, 17)
    assert await read(station, cache, case_id) is draft


async def test_a_case_that_is_not_there_is_none(station: Station) -> None:
    nobody = CaseId(bytes(16))
    cache = CaseCache()
    assert await station.vault.database.read(lambda connection: cache.read(connection, nobody)) is None
    assert await station.vault.database.write(lambda connection: cache.look(connection, nobody)) is None


async def test_the_versions_of_all_cases_change_with_the_case_that_changed(station: Station) -> None:
    first, second = [(await station.book.open_case(new_case())).case_id for _ in range(2)]
    before = await station.vault.database.read(versions)
    assert [case_id for case_id in before if case_id in (first, second)] == [first, second]
    await add_note(station, second, "more")
    after = await station.vault.database.read(versions)
    assert {case_id for case_id in after if after[case_id] != before[case_id]} == {second}
    cache = CaseCache()
    kept = await station.vault.database.read(
        lambda connection: cache.read_at(after[second], connection, second)
    )
    # One and the same, whichever way its version was found.
    assert kept is not None
    assert await read(station, cache, second) is kept
