"""A node as real processes: killed at any moment, started twice, without its passphrase, without its hub."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import threading
from collections.abc import Iterator

import pytest

from sync.local_socket import ConnectionLost, LocalClient
from tests.sfnode.node_process import NEW_CASE, VITALS, NodeProcess

KILLS = 6


def test_every_acknowledged_save_survives_a_kill(node: NodeProcess) -> None:
    """The daemon is killed again and again in the middle of a stream of saves."""
    daemon = node.serve(unlocked=True)
    case = node.ask(*NEW_CASE)["case"]
    rates = itertools.count(30)
    acknowledged: list[int] = []
    for kill in range(KILLS):
        acknowledged += saves_until_killed(node, daemon, case, rates, after=3 + kill)
        daemon = node.serve(unlocked=True)
    kept = [each["heart_rate_min"] for each in node.ask("case", "show", case)["vitals"]]
    assert len(acknowledged) >= KILLS * 3
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))
    # In each round one save may have been under way: kept or not, but never more than one.
    assert len(kept) <= len(acknowledged) + KILLS


def saves_until_killed(
    node: NodeProcess, daemon: subprocess.Popen[str], case: str, rates: Iterator[int], *, after: int
) -> list[int]:
    """Heart rates whose saving was acknowledged; the kill falls while the next ones are being saved."""
    enough = threading.Event()

    def kill_when_enough() -> None:
        enough.wait(30)
        node.kill(daemon)

    killer = threading.Thread(target=kill_when_enough)
    killer.start()
    try:
        return asyncio.run(save(node, case, rates, enough, after=after))
    finally:
        enough.set()
        killer.join()


async def save(
    node: NodeProcess, case: str, rates: Iterator[int], enough: threading.Event, *, after: int
) -> list[int]:
    acknowledged: list[int] = []
    async with await LocalClient.connect(node.data / "daemon.sock") as client:
        try:
            for rate in rates:
                await client.call("vitals_add", {"case": case, "sets": [{"heart_rate_min": rate}]})
                acknowledged.append(rate)
                if len(acknowledged) == after:
                    enough.set()
        except ConnectionLost:
            pass
    return acknowledged


def test_a_restarted_node_asks_for_nothing_and_knows_what_waits(node: NodeProcess) -> None:
    daemon = node.serve(unlocked=True)
    case = node.ask(*NEW_CASE)["case"]
    node.ask("vitals", "add", case, *VITALS)
    sent = node.ask("send", case)
    node.kill(daemon)
    restarted = node.run("--json", "status")
    assert restarted.status == 0
    assert restarted.data["vault"] == "locked"
    assert restarted.data["unsent_count"] >= len(sent["bundles"]) >= 2
    locked = node.run("--json", "transfers").data
    assert {transfer["state"] for transfer in locked} == {"waiting for link"}
    assert {transfer["case"] for transfer in locked} == {None}
    assert "urgent bundle" in {transfer["what"] for transfer in locked}
    assert node.ask("send", case)["bytes"] == sent["bytes"]


def test_a_second_daemon_says_that_there_is_one(node: NodeProcess) -> None:
    node.serve()
    second = node.run("serve")
    assert second.status == 1
    assert "A daemon serves" in second.err
    assert "Nothing was changed" in second.err
    assert node.run("status").status == 0


def test_commands_that_start_the_daemon_at_the_same_time_share_one(node: NodeProcess) -> None:
    commands = [
        subprocess.Popen(
            node._command(("--json", "status")), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for command in commands:
        _, err = command.communicate(timeout=50)
        assert (command.returncode, err) == (0, "")


def test_a_killed_daemon_leaves_no_lock_and_no_socket_in_the_way(node: NodeProcess) -> None:
    node.kill(node.serve())
    assert (node.data / "daemon.sock").exists()
    assert node.run("status").status == 0


def test_stop_returns_when_the_folder_is_free(node: NodeProcess) -> None:
    for _ in range(3):
        daemon = node.serve()
        assert node.run("stop").status == 0
        daemon.wait(timeout=20)
    assert node.run("stop").out == "The daemon was not running.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("case", "list"), 4, "The vault is locked"),
        (("unlock",), 4, "The passphrase is needed and cannot be asked for here"),
        (("unlock", "--passphrase-file", "/nonexistent"), 3, "There is no passphrase file"),
        (("unlock", "--passphrase-file", "/proc/self/mem"), 4, "The passphrase cannot be read"),
        (("unlock", "--passphrase-file", "/dev/null"), 2, "A passphrase has"),
    ],
)
def test_without_the_passphrase_a_sentence_says_what_goes_on(
    node: NodeProcess, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    ran = node.run(*arguments)
    assert ran.status == status
    assert ran.err.startswith(f"sfnode: {sentence}")
    assert ran.err.count("\n") == 1
    assert node.run("--json", "status").data["vault"] == "locked"


def test_a_wrong_passphrase_opens_nothing_and_breaks_nothing(node: NodeProcess) -> None:
    wrong = node.data.parent / "wrong"
    wrong.write_text("not the passphrase")
    ran = node.run("unlock", "--passphrase-file", str(wrong))
    assert ran.status == 4
    assert ran.err.startswith("sfnode: The passphrase does not open this vault.")
    assert node.run("serve", "--passphrase-file", str(wrong)).status == 1
    assert node.ask("unlock") == {"vault": "unlocked"}
    assert node.run("unlock", "--passphrase-file", str(wrong)).status == 4
    assert node.run("case", "list").status == 0
    assert node.ask("lock") == {"vault": "locked"}
    assert node.run("case", "list").status == 4


def test_a_daemon_that_cannot_start_says_why_to_the_command_that_needed_it(node: NodeProcess) -> None:
    (node.data / "spool.db").write_bytes(b"not a database" * 4096)
    ran = node.run("status")
    assert ran.status == 1
    assert "The daemon did not start" in ran.err
    assert "damaged" in ran.err
    shutil.rmtree(node.data)


def test_a_hub_that_is_not_there_leaves_the_work_queued(node: NodeProcess) -> None:
    node.serve(unlocked=True)
    case = node.ask(*NEW_CASE)["case"]
    node.ask("vitals", "add", case, *VITALS)
    node.ask("send", case)
    ran = node.run("sync", "--once", "--json")
    assert ran.status == 5
    assert "queued" in ran.err
    assert ran.data["complete"] is False
    assert ran.data["bundles_sent"] == 0
    status = node.ask("status")
    assert not status["link_up"]
    assert status["link"].startswith("down since")
    assert status["unsent_count"] >= 2
    assert {row["state"] for row in node.ask("transfers")} == {"waiting for link"}
