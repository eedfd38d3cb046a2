"""Each peer carries a small case over a fast link, whole, and says why when it cannot."""

from __future__ import annotations

import asyncio
import json
import random
from base64 import b64decode
from pathlib import Path

import pytest

from simulations.emulator import open_link
from simulations.links import DirectionProfile, LinkProfile
from simulations.peers import PEERS, Peer, PeerCase, Place, prepared
from simulations.peers.https_curl import HttpsPost, case_as_json
from simulations.peers.mail import Mail
from simulations.peers.mail_server import ARRIVED, REPLY, Pop3Session, parts_of

CASE = PeerCase(
    text=json.dumps({"complaint": "fever", "note": "not written by anybody"}).encode(),
    photographs=(random.Random(1).randbytes(3_000), b"\n.\r\n..\nFrom here" * 50),
    reply=b'{"assessment":"rest"}',
)


def fast_link(loss: float = 0.0) -> LinkProfile:
    direction = DirectionProfile(rate_bit_s=20_000_000, delay_ms=1.0, loss=loss, queue_bytes=262_144)
    return LinkProfile("test", "Test link", "Made for tests.", direction, direction, 1_500)


@pytest.mark.peers
@pytest.mark.parametrize("mode", ["namespace", "relay"])
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
async def test_a_case_and_its_reply_cross(peer: Peer, mode: str, tmp_path: Path) -> None:
    if (obstacle := peer.obstacle()) is not None:
        pytest.skip(f"{peer.title} was not tested: {obstacle}.")
    async with (
        open_link(fast_link(), mode="relay" if mode == "relay" else "auto") as link,
        prepared(peer, CASE, link, tmp_path) as ready,
    ):
        carried = await ready.carry(limit_s=20)
        assert carried.reason == ""
        assert carried.seconds is not None
        assert link.counters().up.bytes_sent > sum(map(len, CASE.photographs))


@pytest.mark.peers
async def test_what_does_not_get_there_in_time_says_so(tmp_path: Path) -> None:
    if (obstacle := HttpsPost().obstacle()) is not None:
        pytest.skip(f"A peer that is too slow was not tested: {obstacle}.")
    async with (
        open_link(fast_link(loss=1.0), mode="relay") as link,
        prepared(HttpsPost(), CASE, link, tmp_path) as ready,
    ):
        carried = await ready.carry(limit_s=0.5)
    assert (carried.seconds, carried.reason) == (None, "not done in 0 s")


def place(folder: Path) -> Place:
    for name in ("site", "hub"):
        (folder / name).mkdir()
    return Place(
        site=folder / "site",
        hub=folder / "hub",
        listen_host="127.0.0.1",
        listen_ports=(1, 2),
        dial=(("127.0.0.1", 1), ("127.0.0.1", 2)),
    )


def test_a_post_is_json_with_the_photographs_in_base64() -> None:
    body = json.loads(case_as_json(CASE.text, CASE.photographs))
    assert body["case"] == json.loads(CASE.text)
    assert [b64decode(part["data"]) for part in body["attachments"]] == list(CASE.photographs)
    assert case_as_json(CASE.text, ()) == CASE.text


def test_a_mail_gives_back_what_was_attached(tmp_path: Path) -> None:
    here = place(tmp_path)
    Mail().hub_command(here, CASE)
    sent = (here.site / "case.eml").read_bytes()
    assert parts_of(sent) == [CASE.text, *CASE.photographs]
    assert parts_of((here.hub / REPLY).read_bytes()) == [CASE.reply]
    assert not Mail().has_arrived(here, CASE)


async def test_the_mailbox_has_the_reply_once_a_case_has_come(tmp_path: Path) -> None:
    (tmp_path / REPLY).write_bytes(b"Subject: x\r\n\r\n.a line that begins with a dot\r\n")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Pop3Session(tmp_path, reader, writer).run()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        assert await reader.readline() == b"+OK\r\n"
        writer.write(b"RETR 1\r\n")
        assert (await reader.readline()).startswith(b"-ERR")
        (tmp_path / ARRIVED).write_bytes(b"a case")
        writer.write(b"RETR 1\r\nNOOP\r\n\xff\xfe\r\nQUIT\r\n")
        assert await reader.readuntil(b"\r\n.\r\n") == (
            b"+OK\r\nSubject: x\r\n\r\n..a line that begins with a dot\r\n.\r\n"
        )
        assert await reader.read() == b"-ERR\r\n-ERR\r\n+OK\r\n"
        writer.close()


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_that_cannot_run_names_what_is_missing(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "installed (" in (peer.obstacle() or "")
