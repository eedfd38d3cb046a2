"""A backup and a restoring, in a process that is killed before each change it makes to a folder, or whose
disk takes no more: whatever is left behind, nothing is lost and a second try succeeds."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from sfhub.app import init_hub, open_hub
from sfhub.config import HubFolder
from sfhub.errors import BackupFailed, FolderUnusable
from sfhub.services.restore import restore_hub
from sfhub.storage.backup_folder import list_backups
from sync.stores.database import Execution
from tests.sfhub.conftest import IDENTITY
from tests.sfhub.site import Site, TestClock

HUB, BACKUPS = "hub", "backups"
RESTORING_STEPS = range(1, 42)
"""More than a restoring changes: the last of them must not be reached."""
MAKING_STEPS = range(1, 20)
LIMITS_BYTES = (20_000, 100_000, 150_000)
"""The disk is full while the first database is copied, and later."""
KEPT_SAFE = 3
"""Exit status of a process that said so."""
ENDED_S = 60


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Children of a process that has no threads and has imported all there is to import."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with a backup of its first case, that was killed when it had two."""
    root = tmp_path_factory.mktemp("lost")

    async def make() -> None:
        home = HubFolder(root / "living")
        init_hub(home, IDENTITY)
        async with open_hub(home, TestClock(), execution=Execution.INLINE) as hub:
            site = Site("MV ARGO", seed=1)
            await site.enrol(hub)
            await site.deliver_story(hub, site.story())
            await hub.backups.create(root / BACKUPS)
            await site.deliver_story(hub, site.story())
            # With its logs beside the databases, as a killed process leaves them.
            shutil.copytree(home.root, root / HUB, ignore=shutil.ignore_patterns("*.lock"))

    asyncio.run(make())
    assert (root / HUB / "hub.db-wal").stat().st_size > 0
    shutil.rmtree(root / "living")
    return root


def killed_before(step: int, root: Path) -> None:
    """This process ends before its change number `step` to anything in `root`."""
    left = step

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        changes = event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link") or (
            event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & os.O_CREAT)
        )
        if changes and str(arguments[0]).startswith(str(root)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def restoring(root: Path, step: int) -> None:
    killed_before(step, root)
    asyncio.run(restore(root))


def making(root: Path, step: int) -> None:
    async def make() -> None:
        async with open_hub(HubFolder(root / HUB), TestClock(), execution=Execution.INLINE) as hub:
            killed_before(step, root / BACKUPS)
            await hub.backups.create(root / BACKUPS)

    asyncio.run(make())


def making_on_a_full_disk(root: Path, limit_bytes: int) -> None:
    async def make() -> None:
        async with open_hub(HubFolder(root / HUB), TestClock(), execution=Execution.INLINE) as hub:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

            def watch(event: str, arguments: tuple[object, ...]) -> None:
                # The hub's own disk has room, that of the backups has none.
                if event == "os.mkdir" and ".making-" in str(arguments[0]):
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, most))

            sys.addaudithook(watch)
            try:
                await hub.backups.create(root / BACKUPS)
            except BackupFailed as error:
                said = "The hub and its earlier backups are unharmed" in str(error)
                sys.exit(KEPT_SAFE if said else 1)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    asyncio.run(make())


def restoring_on_a_full_disk(root: Path, limit_bytes: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, most))
    try:
        asyncio.run(restore(root))
    except FolderUnusable as error:
        sys.exit(KEPT_SAFE if "What was there is unchanged" in str(error) else 1)


def run(processes: ForkServerContext, work: Callable[[Path, int], None], root: Path, number: int) -> int:
    child = processes.Process(target=work, args=(root, number))
    child.start()
    child.join(ENDED_S)
    assert child.exitcode is not None
    return child.exitcode


async def restore(root: Path) -> None:
    await restore_hub(
        HubFolder(root / HUB),
        root / BACKUPS,
        replace=True,
        clock=TestClock(),
        progressed=lambda what, done, total: None,
    )


async def cases(home: HubFolder) -> int:
    async with open_hub(home, TestClock(), execution=Execution.INLINE) as hub:
        return len(await hub.worklist.queue())


async def put_aside(root: Path, tmp_path: Path) -> list[int]:
    """How many cases each hub has that was put aside."""
    found = []
    for number, aside in enumerate(sorted((root / HUB).glob("replaced-*"))):
        if (aside / "hub.toml").exists():
            again = tmp_path / f"again-{number}"
            shutil.copytree(aside, again)
            shutil.copytree(root / HUB / "keys", again / "keys")
            found.append(await cases(HubFolder(again)))
    return found


@pytest.mark.parametrize("step", RESTORING_STEPS)
async def test_a_killed_restoring_loses_neither_hub_and_is_done_again(
    processes: ForkServerContext, lost: Path, tmp_path: Path, step: int
) -> None:
    root = tmp_path / "root"
    shutil.copytree(lost, root)
    status = run(processes, restoring, root, step)
    assert status in (0, -signal.SIGKILL)
    assert status == 0 or step != RESTORING_STEPS[-1]
    if status:
        try:
            assert await cases(HubFolder(root / HUB)) in (1, 2)
        except FolderUnusable as error:
            assert "was cut off. Nothing is lost." in str(error)  # noqa: PT017  # either is right
        await restore(root)
    assert await cases(HubFolder(root / HUB)) == 1
    assert 2 in await put_aside(root, tmp_path)
    assert not list((root / HUB).glob(".re*"))


@pytest.mark.parametrize("step", MAKING_STEPS)
async def test_a_killed_backup_is_none_and_the_next_one_is_whole(
    processes: ForkServerContext, lost: Path, tmp_path: Path, step: int
) -> None:
    root = tmp_path / "root"
    shutil.copytree(lost, root)
    status = run(processes, making, root, step)
    assert status in (0, -signal.SIGKILL)
    assert status == 0 or step != MAKING_STEPS[-1]
    async with open_hub(HubFolder(root / HUB), TestClock(), execution=Execution.INLINE) as hub:
        for backup in list_backups(root / BACKUPS):
            await hub.backups.verify(backup.folder)
        await hub.backups.create(root / BACKUPS)
        assert not list((root / BACKUPS).glob(".making-*"))
        assert len(await hub.worklist.queue()) == 2


@pytest.mark.parametrize("limit_bytes", LIMITS_BYTES)
async def test_a_full_disk_leaves_the_hub_and_its_earlier_backups_as_they_were(
    processes: ForkServerContext, lost: Path, tmp_path: Path, limit_bytes: int
) -> None:
    root = tmp_path / "root"
    shutil.copytree(lost, root)
    before = sorted(os.listdir(root / BACKUPS))
    assert run(processes, making_on_a_full_disk, root, limit_bytes) == KEPT_SAFE
    assert sorted(os.listdir(root / BACKUPS)) == before
    async with open_hub(HubFolder(root / HUB), TestClock(), execution=Execution.INLINE) as hub:
        assert len(await hub.worklist.queue()) == 2
        await hub.backups.create(root / BACKUPS)
        await hub.backups.verify(root / BACKUPS)


@pytest.mark.parametrize("limit_bytes", LIMITS_BYTES[:2])
async def test_a_disk_that_refuses_a_restoring_leaves_the_old_hub(
    processes: ForkServerContext, lost: Path, tmp_path: Path, limit_bytes: int
) -> None:
    root = tmp_path / "root"
    shutil.copytree(lost, root)
    assert run(processes, restoring_on_a_full_disk, root, limit_bytes) == KEPT_SAFE
    assert await cases(HubFolder(root / HUB)) == 2
    assert not list((root / HUB).glob(".re*"))
    await restore(root)
    assert await cases(HubFolder(root / HUB)) == 1
