"""Links from the command line: several of them, what may go over each, and what it costs before it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sfnode.config import LinkSettings
from sfnode.views import SyncReport, to_primitive
from sync.local_socket import Fault, LocalServer
from tests.sfnode.node_process import NEW_CASE, VITALS, NodeProcess, Ran

REPORT = SyncReport(
    link="lband",
    ended="nobody answered",
    complete=False,
    seconds=0.0,
    bundles_sent=0,
    bundles_received=0,
    bytes_up=0,
    bytes_down=0,
    payload_up=0,
    payload_down=0,
    bytes_received_twice=0,
    usd=0.0,
)


async def beside(folder: Path, answers: Mapping[str, object], *arguments: str) -> Ran:
    """One command beside a daemon that gives these answers: what a link does must not hang on the machine."""
    node = NodeProcess.at(folder)
    node.data.mkdir()
    node.set_link(LinkSettings())

    async def answer(method: str, _: Mapping[str, object]) -> object:
        return answers[method]

    server = LocalServer(node.data / "daemon.sock", answer, lambda error: Fault("fault", str(error), 1))
    server.bind()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve())
        ran = await asyncio.to_thread(node.run, *arguments)
        serving.cancel()
    return ran


def test_links_are_added_changed_listed_and_removed(node: NodeProcess) -> None:
    node.ask("link", "set", "--name", "vsat")
    added = node.ask("link", "add", "lband", "--usd-per-megabyte", "8", "--floor", "urgent", "--mode", "poll")
    # Without an address of its own it leads to the first one's hub.
    assert (added["name"], added["hub_url"]) == ("lband", node.ask("link", "show", "vsat")["hub_url"])
    node.ask("link", "set", "lband", "--cap-usd-per-day", "20", "--cap-bytes-per-day", "500000")
    listed = node.ask("link", "list")
    assert [(each["name"], each["floor"], each["cap_usd"]) for each in listed] == [
        ("vsat", "bulk", None),
        ("lband", "urgent", 20.0),
    ]
    node.stop()
    assert node.ask("link", "show", "lband")["cap_bytes_per_day"] == 500_000
    lifted = node.ask("link", "set", "lband", "--no-cap")
    assert (lifted["cap_usd_per_day"], lifted["cap_bytes_per_day"]) == (None, None)
    node.ask("link", "remove", "vsat")
    (left,) = node.ask("link", "list")
    assert left["name"] == "lband"
    # The hub's address went with the link that knew it to the one that is left.
    assert node.ask("link", "show")["hub_url"] == added["hub_url"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("link", "add", "link"), 2, "Two links have one name"),
        (("link", "remove", "link"), 4, "is the only link"),
        (("link", "remove", "sbd"), 3, "There is no link sbd"),
        (("link", "set", "sbd", "--floor", "urgent"), 3, "There is no link sbd"),
        (("link", "set", "--reserve-share", "2"), 2, "reserve-share is a share from 0 to 1"),
        (("link", "set", "--cap-usd-per-day", "-1"), 2, "cap-usd-per-day cannot be -1"),
        (("link", "set", "--session-s-min", "-3"), 2, "session-s-min cannot be -3"),
        (("link", "set", "--session-bytes-min", "some"), 2, "Invalid value for '--session-bytes-min'"),
        (("link", "set", "--usd-per-session", "nan"), 2, "usd-per-session cannot be nan"),
        (("price", "C-0000"), 3, "There is no case"),
        (("price", "one", "two"), 2, "unexpected extra argument"),
        (("send", "--dry-run"), 2, "Missing argument 'CASE'"),
        (("link", "set", "--floor", "none"), 2, "Invalid value for '--floor'"),
        (("link", "add", ""), 2, "A link's name has 1 to 24"),
        (("link", "add", "a\nb"), 2, "A link's name has 1 to 24"),
        (("link", "set", "--bind", "10.0.0.300"), 2, "A way out is an address of this machine"),
        (("sync", "--link", "sbd"), 3, "There is no link sbd"),
    ],
)
def test_what_cannot_be_is_refused_and_named(
    shared_node: tuple[NodeProcess, str], arguments: tuple[str, ...], status: int, words: str
) -> None:
    node, _ = shared_node
    ran = node.run(*arguments)
    assert (ran.status, words in ran.err) == (status, True), ran.err


SPENT = "Nothing was dialled: on lband today's cap of $5.00 pays for no further contact."


@pytest.mark.parametrize(
    ("held", "failed", "complete", "status", "words"),
    [
        ((SPENT,), False, False, 6, (SPENT,)),
        ((SPENT, "Bulk too."), False, True, 6, (SPENT, "Bulk too.")),
        ((SPENT,), True, False, 5, ("nobody answered. What was written is queued here", SPENT)),
        ((), True, False, 5, ("nobody answered. What was written is queued here",)),
        ((), False, True, 0, ()),
    ],
)
async def test_a_spent_cap_has_its_status_and_says_how_to_lift_it(
    tmp_path: Path, held: tuple[str, ...], failed: bool, complete: bool, status: int, words: tuple[str, ...]
) -> None:
    report = replace(REPORT, held=held, failed=failed, complete=complete)
    ran = await beside(tmp_path, {"sync_once": to_primitive(report)}, "sync")
    assert ran.status == status
    assert all(each in ran.err for each in words), ran.err
    # Said once, to whoever reads; data stays data.
    assert SPENT not in ran.out


def test_a_price_comes_before_sending_and_sends_nothing(node: NodeProcess) -> None:
    node.ask("link", "set", "--usd-per-megabyte", "8", "--rate-bit-s", "2400", "--rtt-s", "1.5")
    case = node.ask(*NEW_CASE)["case"]
    node.ask("vitals", "add", case, *VITALS)
    foreseen = node.ask("send", case, "--dry-run")
    assert foreseen == node.ask("price", case)
    assert foreseen["draft"]
    (link,) = foreseen["links"]
    assert link["usd"] == pytest.approx(link["bytes"] * 8e-6)
    assert link["seconds"] == pytest.approx(2 * 1.5 + link["bytes"] * 8 / 2400)
    assert link["basis"] == "no forecast yet: 2.4 kbit/s as declared"
    assert [each["what"] for each in foreseen["bundles"]] == ["headline", "text"]
    assert node.ask("case", "show", case)["row"]["state"] == "draft"
    sent = node.ask("send", case)
    assert sent["bytes"] == foreseen["size_bytes"]
    assert not node.ask("price", case)["draft"]


def test_the_least_that_a_carrier_bills_is_in_the_price_and_beside_the_link(node: NodeProcess) -> None:
    node.ask("link", "set", "--usd-per-megabyte", "8", "--session-bytes-min", "50000", "--mode", "manual")
    (look,) = node.ask("price")["links"]
    assert look["usd"] == pytest.approx(0.40)
    assert node.ask("link", "list")[0]["price"] == "$8/MB, 50000 B at least"
    call = ("--usd-per-minute", "1.44", "--increment-s", "20", "--session-s-min", "60")
    node.ask("link", "set", "--usd-per-megabyte", "0", *call, "--usd-per-session", "0.5")
    (look,) = node.ask("price")["links"]
    assert look["usd"] == pytest.approx(1.94)
    assert node.ask("link", "list")[0]["price"] == (
        "$1.44/min in steps of 20 s, 60 s at least + $0.5/contact"
    )


def test_without_contacts_a_price_says_that_there_is_no_forecast(node: NodeProcess) -> None:
    node.ask("link", "set", "--mode", "poll")
    case = node.ask(*NEW_CASE)["case"]
    ran = node.run("--passphrase-file", str(node.passphrase_file), "send", case, "--dry-run")
    assert "Arrival: no forecast yet: 0 of 8 contacts seen" in ran.out
    assert "when a person reads it and answers, nobody can promise" in ran.out
    assert node.ask("status")["forecasts"].startswith("no forecast yet: 0 of 8 contacts seen")


def test_sending_says_at_once_that_no_link_may_carry_it(node: NodeProcess) -> None:
    node.ask("link", "set", "--floor", "emergency", "--mode", "poll")
    case = node.ask(*NEW_CASE)["case"]
    node.ask("vitals", "add", case, *VITALS)
    sent = node.run("--passphrase-file", str(node.passphrase_file), "send", case)
    assert "all held back: link carries nothing below emergency" in sent.err, sent.err
    assert "It goes as soon as" not in sent.err
    node.ask("link", "set", "--floor", "bulk")
    note = node.run("--passphrase-file", str(node.passphrase_file), "send", case)
    assert "It goes as soon as the link is there." in note.err


def test_the_way_out_of_this_machine_is_kept_and_taken_away(node: NodeProcess) -> None:
    assert node.ask("link", "set", "--bind", "192.0.2.7", "--hub", "http://192.0.2.8")["bind"] == "192.0.2.7"
    node.stop()
    ran = node.run("sync")
    assert (ran.status, "nothing can leave by 192.0.2.7 here" in ran.err) == (5, True), ran.err
    assert node.ask("link", "set", "--bind", "")["bind"] == ""


def test_two_links_that_cannot_be_told_apart_are_named(node: NodeProcess) -> None:
    same = node.run("link", "add", "lband")
    assert (same.status, "link and lband lead to the same address by the same way" in same.err) == (0, True)
    assert "same address" not in node.run("link", "set", "lband", "--bind", "lo").err
    assert "same address" not in node.run("link", "set", "lband", "--floor", "urgent").err
