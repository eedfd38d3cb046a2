"""Backups hold what the hub held, are read back before anybody relies on them, and can take its place."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from protocol.actors import Role
from protocol.bundle import EntryBundle
from protocol.errors import EnrolmentRefused
from sfhub.app import Hub, init_hub, open_hub
from sfhub.config import HubFolder
from sfhub.errors import (
    AlreadyInitialised,
    BackupDamaged,
    BadRequest,
    FolderUnusable,
    NotAllowed,
    NotFound,
    NotSignedIn,
)
from sfhub.services.restore import restore_hub
from sfhub.storage.backup_folder import Backup, chosen_backup, folder_in_the_making, list_backups
from sync.stores.errors import StoreBusy
from tests.sfhub.conftest import IDENTITY
from tests.sfhub.site import Site, TestClock

T = TypeVar("T")


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def filled(hub: Hub, site: Site) -> None:
    await site.deliver_story(hub, site.story())


async def made(hub: Hub, into: Path) -> Backup:
    return chosen_backup(Path((await hub.backups.create(into)).folder))


def pictures(backup: Backup) -> list[Path]:
    return sorted(path for path in (backup.folder / "objects").rglob("*") if path.is_file())


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


async def test_a_backup_is_whole_and_has_no_key_in_it(hub: Hub, site: Site, backups: Path) -> None:
    await filled(hub, site)
    row = await hub.backups.create(backups)
    backup = await hub.backups.verify(backups)
    assert str(backup.folder) == row.folder
    assert len(pictures(backup)) == 2
    assert (await hub.backups.latest()) == row
    keys = [path.read_bytes() for path in hub.folder.keys.iterdir()]
    for path in backup.folder.rglob("*"):
        assert path.is_dir() or not any(key in path.read_bytes() for key in keys)


async def test_a_backup_made_while_cases_come_in_is_whole(
    hub: Hub, site: Site, backups: Path, clock: TestClock
) -> None:
    await filled(hub, site)

    async def cases() -> None:
        while not making.done():
            await site.deliver_story(hub, site.story())

    async with asyncio.TaskGroup() as group:
        making = group.create_task(hub.backups.create(backups))
        group.create_task(cases())
    await hub.backups.verify(backups)
    clock.now_s += 60
    await hub.backups.create(backups)
    first, second = list_backups(backups)
    assert second.manifest.rows["hub.db"]["entries"] > first.manifest.rows["hub.db"]["entries"]


async def test_a_picture_is_stored_once_for_all_backups_and_damage_is_not_inherited(
    hub: Hub, site: Site, backups: Path, clock: TestClock
) -> None:
    await filled(hub, site)
    first = await made(hub, backups)
    clock.now_s += 60
    second = await made(hub, backups)
    assert [path.stat().st_ino for path in pictures(first)] == [
        path.stat().st_ino for path in pictures(second)
    ]
    flip(pictures(second)[0])
    clock.now_s += 60
    await hub.backups.create(backups)
    with pytest.raises(BackupDamaged):
        await hub.backups.verify(second.folder)


@pytest.mark.parametrize("name", ["hub.db", "custody.db", "hub.toml", "manifest.json", "a picture"])
@pytest.mark.parametrize("damage", [flip, Path.unlink], ids=["altered", "gone"])
async def test_whatever_is_altered_or_gone_is_found(
    hub: Hub, site: Site, backups: Path, name: str, damage: Callable[[Path], None]
) -> None:
    await filled(hub, site)
    backup = await made(hub, backups)
    damage(pictures(backup)[0] if name == "a picture" else backup.folder / name)
    with pytest.raises(BackupDamaged if (name, damage) != ("manifest.json", Path.unlink) else NotFound):
        await hub.backups.verify(backup.folder)


async def test_what_was_damaged_before_is_said_and_makes_nothing_safe(
    hub: Hub, site: Site, backups: Path
) -> None:
    await filled(hub, site)
    flip(next(path for path in hub.folder.objects.rglob("*") if path.is_file()))
    with pytest.raises(BackupDamaged, match="damaged on the hub's disk already"):
        await hub.backups.create(backups)
    assert await hub.backups.latest() is None
    store = await hub.custody.pair(site.known_hub.pseudonym)
    assert await store.safe() == ()


async def test_only_what_is_verified_is_safe(hub: Hub, site: Site, backups: Path) -> None:
    await filled(hub, site)
    store = await hub.custody.pair(site.known_hub.pseudonym)
    assert await store.safe() == ()
    await hub.backups.create(backups)
    (mark,) = await store.safe()
    assert (mark.incarnation, list(mark.sequences)[-1]) == (site.incarnation, site.sequence)
    # Whole in custody, and not opened yet when the copy is begun: the copy of the records lacks it.
    await site.put(hub, site.seal(EntryBundle((site.introduction(),))))
    await hub.backups.create(backups)
    assert await store.safe() == (mark,)


class FirstIsHeld(ThreadPoolExecutor):
    """Threads in which what is asked for first begins when it is released, and all else at once."""

    def __init__(self) -> None:
        super().__init__(max_workers=2)
        self.asked = asyncio.Event()
        self.released = threading.Event()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        if self.asked.is_set():
            return super().submit(fn, *args, **kwargs)
        self.asked.set()

        def work() -> T:
            self.released.wait()
            return fn(*args, **kwargs)

        return super().submit(work)


async def test_what_is_taken_once_a_backup_was_begun_is_not_called_safe_by_it(
    hub: Hub, site: Site, backups: Path
) -> None:
    await filled(hub, site)
    store = await hub.custody.pair(site.known_hub.pseudonym)
    last_number = site.sequence
    threads = FirstIsHeld()
    asyncio.get_running_loop().set_default_executor(threads)
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.backups.create(backups))
        await threads.asked.wait()
        try:
            await site.deliver(hub, site.introduction())
        finally:
            threads.released.set()
    assert site.sequence > last_number
    (mark,) = await store.safe()
    assert list(mark.sequences)[-1] == last_number
    await hub.backups.create(backups)
    (mark,) = await store.safe()
    assert list(mark.sequences)[-1] == site.sequence


async def test_a_backup_that_was_cut_off_is_none_and_goes_with_the_next(
    hub: Hub, site: Site, backups: Path
) -> None:
    await filled(hub, site)
    left = folder_in_the_making(backups, "0123", hub.keys.signing_id.hex())
    others = folder_in_the_making(backups, "4567", "89abcdef")
    left.mkdir(parents=True)
    others.mkdir()
    with pytest.raises(NotFound):
        await hub.backups.verify(backups)
    async with asyncio.TaskGroup() as group:
        making = group.create_task(hub.backups.create(backups))
        await asyncio.sleep(0)
        making.cancel()
    assert making.cancelled()
    assert list_backups(backups) == ()
    made = Path((await hub.backups.create(backups)).folder)
    # What another hub may be making in the same place is let alone.
    assert set(os.listdir(backups)) == {made.name, others.name}


async def test_places_that_make_no_sense_are_refused(hub: Hub) -> None:
    with pytest.raises(BadRequest, match="inside the hub's own folder"):
        await hub.backups.create(hub.folder.root / "backups")
    with pytest.raises(BadRequest, match="absolute"):
        await hub.backups.create(Path("backups"))


async def test_another_hubs_backup_is_not_read(hub: Hub, backups: Path, tmp_path: Path) -> None:
    await hub.backups.create(backups)
    other = HubFolder(tmp_path / "other")
    init_hub(other, IDENTITY)
    async with open_hub(other) as stranger:
        with pytest.raises(NotAllowed, match="other keys"):
            await stranger.backups.verify(backups)
    with pytest.raises(NotAllowed, match="other keys"):
        await restore(other, backups, replace=True)


# Putting it back.


async def restore(folder: HubFolder, place: Path, *, replace: bool = False) -> Backup:
    return await restore_hub(
        folder, place, replace=replace, clock=TestClock(), progressed=lambda what, done, total: None
    )


@pytest.fixture
async def lost(folder: HubFolder, clock: TestClock, backups: Path) -> HubFolder:
    """A hub with a backup, closed; its site's case is in both."""
    async with open_hub(folder, clock) as hub:
        site = Site("MV ARGO", seed=1)
        await site.enrol(hub)
        await filled(hub, site)
        await hub.backups.create(backups)
    return folder


async def test_a_restored_hub_begins_a_new_life_and_trusts_nothing_that_may_be_used_up(
    folder: HubFolder, clock: TestClock, backups: Path
) -> None:
    async with open_hub(folder, clock) as hub:
        site = Site("MV ARGO", seed=1)
        await site.enrol(hub)
        store = await hub.custody.pair(site.known_hub.pseudonym)
        before = (await store.open_session()).incarnation
        token = await hub.people.one_time_token(await hub.people.add("On duty", Role.SPECIALIST))
        code = (await hub.enrolment.new_code("MV NAUTILUS")).code
        await hub.backups.create(backups)
    await restore(folder, backups, replace=True)
    async with open_hub(folder, clock) as hub:
        store = await hub.custody.pair(site.known_hub.pseudonym)
        assert (await store.open_session()).incarnation != before
        with pytest.raises(NotSignedIn):
            await hub.people.sign_in(token)
        with pytest.raises(EnrolmentRefused):
            await hub.enrolment.answer(Site("MV NAUTILUS").request(code))


async def test_what_is_there_is_not_overwritten_but_put_aside(lost: HubFolder, backups: Path) -> None:
    with pytest.raises(AlreadyInitialised, match=r"hub\.toml, hub\.db, custody\.db, objects"):
        await restore(lost, backups)
    await restore(lost, backups, replace=True)
    (aside,) = lost.root.glob("replaced-*")
    assert {"hub.db", "custody.db", "hub.toml", "objects"} <= set(os.listdir(aside))
    async with open_hub(lost) as hub:
        assert len(await hub.worklist.queue()) == 1


async def test_a_running_hub_is_not_replaced(lost: HubFolder, backups: Path) -> None:
    async with open_hub(lost):
        with pytest.raises(StoreBusy):
            await restore(lost, backups, replace=True)


async def test_without_its_keys_nothing_is_restored(lost: HubFolder, backups: Path) -> None:
    shutil.rmtree(lost.keys)
    with pytest.raises(FolderUnusable, match="A backup has no keys in it"):
        await restore(lost, backups, replace=True)
    assert lost.database.exists()


async def test_a_damaged_backup_changes_nothing(lost: HubFolder, backups: Path) -> None:
    flip(chosen_backup(backups).folder / "hub.db")
    with pytest.raises(BackupDamaged):
        await restore(lost, backups, replace=True)
    assert list(lost.root.glob("replaced-*")) == []
    async with open_hub(lost) as hub:
        assert len(await hub.worklist.queue()) == 1


class CutOff(Exception):
    """The process ends here."""


@pytest.mark.parametrize("steps", range(1, 12, 2))
async def test_a_restoring_that_is_cut_off_is_done_again(lost: HubFolder, backups: Path, steps: int) -> None:
    """Cut off while it checks or copies, the folder holds the old hub, and a second try succeeds."""
    left = steps

    def progressed(what: str, done: int, total: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise CutOff

    with pytest.raises(CutOff):
        await restore_hub(lost, backups, replace=True, clock=TestClock(), progressed=progressed)
    async with open_hub(lost) as hub:
        assert len(await hub.worklist.queue()) == 1
    await restore(lost, backups, replace=True)
    async with open_hub(lost) as hub:
        assert len(await hub.worklist.queue()) == 1
