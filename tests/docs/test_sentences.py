"""Sentences of docs/errors.md that no other test brings about: each is read where its user reads it."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.actors import Role
from protocol.case_keys import CaseKey
from protocol.clinical import CaseOpened, Vitals
from protocol.errors import EnrolmentRefused, MalformedInput
from protocol.header import Priority
from protocol.ids import CaseId
from sfhub.api.operations import describe
from sfhub.app import Hub, init_hub, open_hub
from sfhub.cli import main as sfhub_main
from sfhub.config import HubFolder, HubIdentity
from sfhub.errors import (
    CautionsBeforeSending,
    HubError,
    NewsBeforeSending,
    NotAllowed,
    NotSignedIn,
    ObjectDamaged,
    ReplyIncomplete,
)
from sfhub.services.replies import Draft, Look
from sfhub.storage.objects import ObjectStore
from sfnode.api.methods import describe_fault
from sfnode.media.errors import PhotoUnreadable
from sfnode.media.photo import layers_from_file
from simulations.demo.stage import Stage, StageError
from simulations.emulator import open_link
from sync.local_socket import CallFailed, LocalClient, LocalServer
from sync.stores.errors import StoreFull
from tests.sfhub.site import NOON_S, Site, TestClock, vitals
from tests.sfnode.node_process import NodeProcess

IDENTITY = HubIdentity("Example Health", "Main desk")
NODE = (sys.executable, "-m", "sfnode.cli")
STRACE = shutil.which("strace") or ""
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> HubFolder:
    made = HubFolder(tmp_path / "hub")
    init_hub(made, IDENTITY)
    return made


@pytest.fixture
async def hub(folder: HubFolder) -> AsyncIterator[Hub]:
    async with open_hub(folder, TestClock()) as opened:
        yield opened


def run_hub(folder: HubFolder, *arguments: str) -> int:
    return sfhub_main(["--data", str(folder.root), *arguments])


# The node.


def test_a_full_disk_reaches_the_client_of_the_node() -> None:
    fault = describe_fault(StoreFull("The disk that holds vault.db is full. This change was not saved."))
    assert (fault.code, fault.exit_code) == ("storage-failed", 1)
    assert fault.message.startswith("The disk that holds vault.db is full.")


@pytest.mark.peers
@pytest.mark.skipif(STRACE == "", reason="strace is not installed")
def test_an_unconfirmed_write_ends_the_daemon_with_a_status_to_start_again(tmp_path: Path) -> None:
    """A siren that fails makes the daemon write at its start, and every fsync of this run fails."""
    node = NodeProcess.at(tmp_path)
    node.found()
    assert node.run("status").status == 0
    assert node.run("stop").status == 0
    settings = node.data / "site.toml"
    text = settings.read_text().replace("alarm_command = []", 'alarm_command = ["/bin/false"]')
    settings.write_text(text)
    tampered = (STRACE, "-f", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO:when=1+")
    ran = subprocess.run(
        [*tampered, *NODE, "--data", str(node.data), "serve"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 75
    assert "The disk did not confirm a change to" in ran.stderr
    assert node.run("status").status == 0
    node.stop()


@pytest.mark.peers
@pytest.mark.skipif(STRACE == "", reason="strace is not installed")
def test_an_unconfirmed_write_ends_the_hub_with_a_status_to_start_again(folder: HubFolder) -> None:
    """A serving hub notes its keys at once, and every fsync of this run fails."""

    async def open_once() -> None:
        async with open_hub(folder, TestClock()):
            """Its tables are made."""

    asyncio.run(open_once())
    tampered = (STRACE, "-f", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO:when=1+")
    hub_command = (sys.executable, "-m", "sfhub.cli", "--data", str(folder.root))
    ran = subprocess.run(
        [*tampered, *hub_command, "serve", "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 75
    assert "The disk did not confirm a change to" in ran.stderr
    assert run_hub(folder, "status") == 0


def test_a_fault_of_the_node_quotes_nobody(caplog: pytest.LogCaptureFixture) -> None:
    words = " ".join(("Mrs", "Synthetic"))
    with caplog.at_level(logging.ERROR):
        try:
            raise KeyError(words)
        except KeyError as error:
            fault = describe_fault(error)
    assert (fault.code, fault.exit_code) == ("internal", 1)
    assert "fault of the software (KeyError)" in fault.message
    assert "test_a_fault_of_the_node_quotes_nobody" in caplog.text
    assert words not in fault.message + caplog.text


def heed_interrupts() -> None:
    """Whoever runs the suite in the background has its children ignore them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_is_told_and_has_its_status(tmp_path: Path) -> None:
    """The command waits for its passphrase at a pipe; opening the other end tells us that it does."""
    pipe = tmp_path / "passphrase"
    os.mkfifo(pipe)
    command = [*NODE, "--data", str(tmp_path / "node"), "--passphrase-file", str(pipe)]
    waiting = subprocess.Popen(
        [*command, "init", "--site", "MV Example", "--medic", "Second officer"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    with pipe.open("wb"):
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=30)
    assert waiting.returncode == 130
    assert said.strip() == "sfnode: Interrupted. What was acknowledged is saved."


async def test_a_card_that_fails_is_told() -> None:
    """A file of the kernel's, which answers a read at its beginning as a failing card does."""
    with pytest.raises(PhotoUnreadable, match=r"^'mem' could not be read to its end") as refused:
        await layers_from_file(Path("/proc/self/mem"))
    assert describe_fault(refused.value).exit_code == 4


# The hub.


def test_what_the_hub_says_before_it_opens(folder: HubFolder, tmp_path: Path, capsys: Captured) -> None:
    assert run_hub(HubFolder(tmp_path / "nothing"), "queue") == 1
    assert "holds no hub. Make one with: sfhub --data" in capsys.readouterr().err
    assert run_hub(folder, "init", "--organisation", "Example Health", "--name", "Main desk") == 1
    assert "already holds a hub. Nothing was changed." in capsys.readouterr().err
    (folder.keys / "signing.key").chmod(0o644)
    assert run_hub(folder, "queue") == 1
    assert "signing.key cannot be used (other users may read it: chmod 600)" in capsys.readouterr().err


def test_what_the_hub_says_of_names(folder: HubFolder, tmp_path: Path, capsys: Captured) -> None:
    asyncio.run(_two_cases_alike(folder))
    assert run_hub(folder, "case", "show", "C-0000") == 3
    assert "No case C-0000 is here. See the list with: sfhub queue" in capsys.readouterr().err
    assert run_hub(folder, "case", "show", "abcdabcd") == 3
    assert "abcdabcd fits 2 cases. Give more of the id: sfhub queue --json" in capsys.readouterr().err
    (tmp_path / "reply.json").write_text("{")
    assert run_hub(folder, "reply", "abcd", "--by", "Nobody", "--file", str(tmp_path / "reply.json")) == 2
    assert "is not JSON" in capsys.readouterr().err


async def _two_cases_alike(folder: HubFolder) -> None:
    async with open_hub(folder, TestClock()) as hub:
        site = Site("MV ARGO")
        await site.enrol(hub)
        await site.deliver(hub, site.introduction())
        for last in (b"one", b"two"):
            await site.deliver(hub, site.entry(_opened(site), case_id=CaseId(b"\xab\xcd" * 3 + b"-" + last)))


def _opened(site: Site) -> CaseOpened:
    return CaseOpened(
        template="general",
        template_version=1,
        urgency=Priority.URGENT,
        complaint="fever",
        question="What now?",
        site=site.mailbox,
        hub=site.hub_mailbox,
    )


async def test_what_the_hub_says_of_a_reply(hub: Hub) -> None:
    site = Site("MV ARGO")
    await site.enrol(hub)
    story = site.story()
    await site.deliver_story(hub, story)
    doctor = await hub.people.add("Specialist on duty", Role.SPECIALIST)
    file, _ = await hub.worklist.file(story.case_id)
    with pytest.raises(ReplyIncomplete, match=r"^The reply was not sent; nothing was lost\. "):
        await hub.replies.send(story.case_id, doctor, Draft(values={}))
    penicillin = {"assessment": "Pneumonia.", "orders": [{"name": "Penicillin V"}]}
    with pytest.raises(
        CautionsBeforeSending, match=r"allergic to penicillin\. Change it, or send it as it is"
    ):
        await hub.replies.send(story.case_id, doctor, Draft(values=penicillin, look=Look.FIRST))
    later: Vitals = vitals(observed_s=NOON_S + 60, spo2_percent=84)
    await site.deliver(hub, site.entry(later, case_id=story.case_id))
    late = Draft(values={"assessment": "Rest."}, seen=file.seen, look=Look.FIRST)
    with pytest.raises(NewsBeforeSending, match=r"since you opened the case, this has arrived: .*84"):
        await hub.replies.send(story.case_id, doctor, late)
    coordinator = await hub.people.add("Coordinator", Role.COORDINATOR)
    with pytest.raises(NotAllowed, match=r"Coordinator is a coordinator and may not advise on treatment"):
        await hub.replies.advise(story.case_id, coordinator, "Oxygen.")
    assert not (await hub.worklist.case(story.case_id)).replies


async def test_a_used_sign_in_address_is_refused(hub: Hub) -> None:
    doctor = await hub.people.add("Specialist on duty", Role.SPECIALIST)
    token = await hub.people.one_time_token(doctor)
    await hub.people.sign_in(token)
    with pytest.raises(NotSignedIn, match="This sign-in address was used already"):
        await hub.people.sign_in(token)
    assert describe(NotSignedIn("…")).exit_code == 4


def test_a_hub_that_hangs_up_is_told(folder: HubFolder, capsys: Captured) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listener:
        listener.bind(str(folder.socket))
        listener.listen()
        hanging_up = threading.Thread(target=lambda: listener.accept()[0].close())
        hanging_up.start()
        assert run_hub(folder, "status") == 1
        hanging_up.join()
    assert "The running hub stopped answering" in capsys.readouterr().err


def test_an_address_that_is_taken_is_told(folder: HubFolder, capsys: Captured) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run_hub(folder, "serve", "--listen", f"127.0.0.1:{port}") == 1
    assert f"Nothing can listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_a_damaged_picture_is_not_shown(tmp_path: Path) -> None:
    store, case = ObjectStore(tmp_path), CaseKey(CaseId(bytes(10)), bytes(32))
    blob = store.put(case, b"a picture")
    (tmp_path / case.case_id.hex() / blob.hex()).write_bytes(b"A picture")
    with pytest.raises(ObjectDamaged, match="This picture is damaged on the hub's disk and is not shown"):
        store.get(case, blob)


@pytest.mark.parametrize(
    ("error", "code", "status", "sentence"),
    [
        (EnrolmentRefused("The enrolment code does not match."), "enrolment-refused", 4, "does not match"),
        (MalformedInput("an integer is cut short"), "not-readable", 1, "cut short"),
        (StoreFull("The disk that holds hub.db is full."), "store-error", 1, "hub.db is full"),
        (ZeroDivisionError("a patient's words"), "hub-fault", 1, "The hub met a fault of its own"),
    ],
)
def test_how_the_hub_names_what_is_not_its_own(
    error: Exception, code: str, status: int, sentence: str
) -> None:
    fault = describe(error)
    assert (fault.code, fault.exit_code) == (code, status)
    assert sentence in fault.message
    assert "patient's words" not in fault.message
    assert not isinstance(error, HubError)


# Links and sockets.


async def test_a_subscription_without_topics_is_refused(tmp_path: Path) -> None:
    async def nothing(method: str, params: object) -> None:
        return None

    server = LocalServer(tmp_path / "daemon.sock", nothing, describe_fault)
    server.bind()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve())
        async with await LocalClient.connect(tmp_path / "daemon.sock") as client:
            with pytest.raises(CallFailed, match=r"^subscribe needs a list of topics\.$") as failed:
                await client.call("subscribe", {"topics": "all"})
        serving.cancel()
    assert (failed.value.fault.code, failed.value.fault.exit_code) == ("bad-parameters", 2)


async def test_the_demonstration_quotes_what_failed(tmp_path: Path) -> None:
    async with open_link("lan", mode="relay") as link:
        stage = Stage(link, tmp_path)
        with pytest.raises(StageError, match=r"`sfhub queue` ended with 1: .*holds no hub"):
            await stage.sfhub("queue")
