"""The command line against real processes: a whole consult from a shell, with a server and without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from protocol.bundle import EntryBundle
from protocol.header import Priority
from protocol.orders import CapabilityItem, OrderGiven, Reply
from sync.core import Ending
from sync.ports import Rank
from tests.sfhub.hub_process import result, serving, sfhub
from tests.sfhub.site import Site, about, add_to, dial, open_from_hub, site_store

REPLY = {
    "assessment": "Probable acute coronary syndrome.",
    "orders": [{"item": 7, "dose": "300 mg", "route": "chewed"}],
    "contingencies": [{"quantity": "spo2", "below": 90, "then": "oxygen 10 L/min"}],
    "recheck_every_min": 15,
    "valid_for_min": 360,
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return new_hub(tmp_path / "hub")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub for commands that change nothing."""
    return new_hub(tmp_path_factory.mktemp("untouched") / "hub")


def new_hub(folder: Path) -> Path:
    result(folder, "init", "--organisation", "Example Health", "--name", "Main desk")
    result(folder, "clinician", "add", "--name", "Specialist on duty")
    return folder


async def enrol(data: Path, address: str, site: Site) -> None:
    code = result(data, "enrol", "new", "--site", site.name)["code"]
    request = site.request(code)
    async with aiohttp.ClientSession(address) as link, link.post("/enrol", data=request) as response:
        assert response.status == 200
        site.accept(await response.read(), request, code)


def wait_until_whole(data: Path) -> dict[str, Any]:
    """The only case of the queue, once nothing of it is missing."""
    while True:
        rows = result(data, "queue")
        if rows and not rows[0]["missing"]:
            return dict(rows[0])


async def test_a_consult_from_a_shell(data: Path, tmp_path: Path) -> None:
    site, store = Site("MV ARGO"), site_store()
    with serving(data) as (process, address):
        await enrol(data, address, site)
        story = site.story()
        aspirin = CapabilityItem(item=7, name="aspirin", strength="300 mg", quantity=40)
        for content, rank in (
            (EntryBundle((site.introduction(aspirin), story.headline, story.text)), Rank.TEXT),
            (EntryBundle((story.manifest,)), Rank.TEXT),
            (story.preview, Rank.PREVIEW),
            (story.standard, Rank.STANDARD),
        ):
            await add_to(store, site.seal(content), Priority.URGENT, rank)
        assert (await dial(address, site, store)).ending is Ending.DONE
        row = wait_until_whole(data)
        case = row["short"].lower()
        shown = result(data, "case", "show", case)
        assert shown["arrivals"]["headline_s"] <= shown["arrivals"]["standard_s"][0]
        blob = shown["media"][0]["best"]["blob"]
        picture = tmp_path / "ecg.avif"
        result(data, "case", "media", case, blob, "--out", str(picture))
        assert picture.read_bytes() == story.standard.data
        assert result(data, "case", "seen", case, "--by", "specialist on duty")["first"]
        sent = result(
            data,
            "reply",
            case,
            "--by",
            "Specialist on duty",
            "--file",
            "-",
            given=json.dumps(REPLY).encode(),
        )
        assert sent["size_bytes"] > 0
        await dial(address, site, store)
        received = await store.received_after(0, 10)
        replies = [
            record
            for bundle in received
            for entry in open_from_hub(site, bundle.offer, bundle.sealed)
            for record in entry.records
            if isinstance(record.body, Reply)
        ]
        assert [order.name for order in replies[0].body.orders] == ["aspirin"]
        done = site.entry(
            OrderGiven(order=1, given_s=1_732_277_000),
            case_id=story.case_id,
            refs=about(replies[0].record_id),
        )
        await add_to(store, site.seal(EntryBundle((done,))), Priority.URGENT, Rank.TEXT)
        await dial(address, site, store)
        while (order := result(data, "case", "show", case)["replies"][0]["orders"][0])["status"] != "done":
            pass
        assert order["status_arrived_s"] > 0
        assert result(data, "case", "show", case)["arrivals"]["reply_stored_s"] > 0
        process.terminate()
        assert process.wait(timeout=20) == 0
    # The same answers from the folder itself, when no server runs.
    assert result(data, "queue")[0]["state"] == "answered"
    assert result(data, "status")["unsent"] == 0
    assert result(data, "quarantine", "list") == []
    assert [row["site"] for row in result(data, "sites")] == ["MV ARGO"]


async def test_enrolment_by_file(data: Path, tmp_path: Path) -> None:
    site = Site("MV ARGO")
    code = sfhub(data, "enrol", "new", "--site", "MV ARGO").stdout.decode().strip()
    request, answer = tmp_path / "request", tmp_path / "answer"
    request.write_bytes(site.request(code))
    result(data, "enrol", "accept", str(request), "--out", str(answer))
    site.accept(answer.read_bytes(), request.read_bytes(), code)
    assert site.known_hub.site_name == "MV ARGO"
    assert [row["state"] for row in result(data, "enrol", "list")] == ["used"]


def test_a_console_address_names_the_base(untouched: Path) -> None:
    shown = result(
        untouched, "console-url", "--clinician", "Specialist on duty", "--base", "https://hub.example/"
    )
    assert shown["url"].startswith("https://hub.example/login?token=")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("case", "show", "C-0000"), 3, "No case C-0000 is here"),
        (("advice", "C-0000", "--by", "Specialist on duty", "--text", "x"), 3, "No case"),
        (("reply", "C-0000", "--by", "x", "--file", "/nonexistent"), 3, "cannot be read"),
        (("reply", "C-0000", "--by", "x", "--file", "/dev/null"), 2, "is not JSON"),
        (("console-url", "--clinician", "Nobody"), 3, "Known here: Specialist on duty"),
        (("clinician", "add", "--name", "Specialist on duty"), 2, "already"),
        (("enrol", "accept", "/nonexistent", "--out", "/dev/null"), 3, "cannot be read"),
        (("enrol", "new"), 2, "Missing option '--site'"),
        (("enrol", "new", "--site", "x", "--valid-h", "-1"), 2, "not in the range"),
        (("frobnicate",), 2, "No such command"),
        (("serve", "--listen", "nowhere"), 2, "no HOST:PORT"),
        (("serve", "--listen", "192.0.2.1:1"), 1, "Nothing can listen"),
        (("init", "--organisation", "O", "--name", "N"), 1, "already holds a hub"),
    ],
)
def test_a_fault_is_one_sentence_and_a_status(
    untouched: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = sfhub(untouched, *arguments)
    assert done.returncode == status
    sentence = done.stderr.decode()
    assert words in sentence
    assert sentence.startswith("sfhub: ")
    assert sentence.count("\n") == 1
    assert done.stdout == b""


def test_a_folder_without_a_hub_says_how_to_make_one(tmp_path: Path) -> None:
    done = sfhub(tmp_path, "queue")
    assert done.returncode == 1
    assert "init --organisation" in done.stderr.decode()


def test_a_second_server_is_told_who_has_the_folder(data: Path) -> None:
    with serving(data) as (process, _):
        done = sfhub(data, "serve", "--listen", "127.0.0.1:0")
        assert done.returncode == 1
        assert f"process {process.pid}" in done.stderr.decode()


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, sfhub.cli.root as root\n"
        "root.main(['--help'])\n"
        "print(sorted({'aiohttp', 'jinja2', 'msgpack', 'cryptography', 'sqlcipher3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
