"""After a restore or a copy, what `sfnode status` and `sfhub status` say, as processes with files of their
own: one sentence each, until somebody has read it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from protocol.ids import Mailbox
from sfhub.domain.notice_words import HUB_MOVED, HUB_RESTORED, site_restored
from sfnode.config import LinkMode, LinkSettings
from sfnode.domain.notice_words import HUB_RESTORED as HUB_LOST_SOME
from sfnode.domain.notice_words import SITE_MOVED, SITE_RESTORED
from tests.integration.conftest import Consult
from tests.integration.hub_process import DOCTOR
from tests.sfnode.node_process import NodeProcess

pytestmark = pytest.mark.timeout(180)
"""Some thirty commands, each a process of its own, on a machine that may have other work."""

SITE = site_restored(Mailbox(bytes(8)), "MV EXAMPLE").sentence
CONTACTS = 3
"""One tells what is lacking, one asks, one brings."""
CONTACTS_MAX = 20
"""For the hub's services, which work between the contacts, nobody waits."""


def told_at_site(node: NodeProcess) -> list[str]:
    return list(node.ask("status")["notices"])


def told_at_hub(consult: Consult) -> list[str]:
    return list(consult.hub.ask("status")["told_once"])


def read_all(consult: Consult) -> None:
    """Both sides' people have read what is told once: it is told no more."""
    consult.node.ask("status", "--seen")
    consult.hub.ask("status", "--seen")
    assert told_at_site(consult.node) == told_at_hub(consult) == []


def meet(*nodes: NodeProcess, times: int = CONTACTS) -> None:
    for _ in range(times):
        for node in nodes:
            assert node.ask("sync", "--once")["complete"]


def sent_case(consult: Consult) -> str:
    consult.new_case(photo=False)
    consult.send()
    return consult.case


def cases(shown: Any) -> set[str]:
    return {row["case"] for row in shown}


@pytest.fixture
def told(consult: Consult) -> Consult:
    """Where somebody has read that the folders of this test were copied to where they are."""
    assert told_at_site(consult.node) == [SITE_MOVED.sentence]
    assert told_at_hub(consult) == [HUB_MOVED.sentence]
    read_all(consult)
    return consult


def test_a_restored_hub_and_its_site_say_so_once(told: Consult) -> None:
    consult = told
    backups = consult.folder / "backups"
    known = sent_case(consult)
    meet(consult.node, times=1)
    consult.at_hub()
    consult.hub.ask("backup", "create", str(backups))
    later = sent_case(consult)
    meet(consult.node, times=1)
    consult.at_hub()
    consult.hub.ask("advice", later, "--by", DOCTOR, "--text", "Give oxygen.")
    meet(consult.node, times=1)

    consult.hub.kill()
    consult.hub.ask("backup", "restore", str(backups), "--replace")
    consult.hub.serve()
    meet(consult.node)

    assert consult.at_hub()["case"] == later
    assert cases(consult.hub.ask("queue")) == {known, later}
    assert told_at_hub(consult) == [HUB_RESTORED.sentence]
    assert told_at_site(consult.node) == [HUB_LOST_SOME.sentence]
    read_all(consult)


def test_a_restored_site_and_its_hub_say_so_once(told: Consult) -> None:
    consult = told
    older = keep(consult.node, consult.folder / "older")
    lost = sent_case(consult)
    meet(consult.node, times=1)
    consult.at_hub()
    consult.node.stop()
    shutil.rmtree(consult.node.data)
    shutil.copytree(older, consult.node.data)
    for _ in range(CONTACTS_MAX):
        meet(consult.node, times=1)
        if cases(consult.node.ask("case", "list")) == {lost}:
            break

    assert cases(consult.node.ask("case", "list")) == {lost}
    assert told_at_site(consult.node) == [SITE_RESTORED.sentence]
    assert told_at_hub(consult) == [SITE]


def test_a_copied_site_and_its_hub_say_so(told: Consult) -> None:
    consult = told
    known = sent_case(consult)
    meet(consult.node, times=1)
    consult.at_hub()
    twin = NodeProcess(keep(consult.node, consult.folder / "twin"), consult.node.passphrase_file)
    twin.set_link(LinkSettings(hub_url=consult.gate.url, mode=LinkMode.MANUAL))
    try:
        consult.node.ask("note", "add", known, "--text", "Written on one copy.")
        twin.ask("note", "add", known, "--text", "Written on the other.")
        meet(consult.node, twin)
        for copy in (consult.node, twin):
            assert told_at_site(copy) in ([SITE_RESTORED.sentence], [SITE_MOVED.sentence], [])
        assert told_at_site(consult.node) + told_at_site(twin)
        assert told_at_hub(consult) == [SITE]
    finally:
        twin.stop()


def keep(node: NodeProcess, folder: Path) -> Path:
    """A copy of a site whose processes have ended."""
    node.stop()
    shutil.copytree(node.data, folder, ignore=shutil.ignore_patterns("*.sock"))
    return folder
