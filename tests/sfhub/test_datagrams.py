"""A hub told to listen for datagrams holds the same sessions there as over HTTP."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sfhub.api.operations import perform
from sfhub.app import Hub
from sfhub.clock import SystemClock
from sfhub.errors import CannotListen
from sfhub.server import running
from sync.core import Ending, SessionTerms
from sync.driver import SessionReport, Setting, dial_session
from sync.links.udp import UdpDialer
from sync.stores import MemoryStore
from tests.sfhub.hub_process import result, serving, sfhub
from tests.sfhub.site import Site, dial, site_store

PATIENCE_S = 20.0


async def dial_in_datagrams(
    hub: Hub, site: Site, store: MemoryStore, *, stays_open: bool = False
) -> SessionReport:
    address = urlsplit(hub.address.udp)
    dialer = UdpDialer(
        address.hostname or "",
        address.port or 0,
        pseudonym=site.known_hub.pseudonym,
        link_secret=site.secrets.link,
        rtt_s=0.05,
    )
    return await dial_session(
        await dialer.dial(),
        link_secret=site.secrets.link,
        pseudonym=site.known_hub.pseudonym,
        setting=Setting(store=store, clock=SystemClock(), terms=SessionTerms(stays_open=stays_open)),
    )


async def test_a_session_in_datagrams_reaches_the_same_custody(hub: Hub, site: Site) -> None:
    async with asyncio.timeout(PATIENCE_S), running(hub, host="127.0.0.1", port=0, udp_port=0):
        assert hub.address.udp.startswith("udp://127.0.0.1:")
        store = site_store()
        report = await dial_in_datagrams(hub, site, store)
        assert report.ending is Ending.DONE, report.reason
        again = await dial(hub.address.base, site, store)
        assert again.ending is Ending.DONE
        assert again.counters.payload_bytes_sent == 0


async def test_the_status_tells_what_became_of_datagrams(hub: Hub) -> None:
    async with asyncio.timeout(PATIENCE_S), running(hub, host="127.0.0.1", port=0, udp_port=0):
        address = urlsplit(hub.address.udp)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"\x00 of another protocol", (address.hostname, address.port))
        while "dropped" not in str(told := await perform(hub, "status", {})):  # noqa: ASYNC110 - it is in the kernel.
            await asyncio.sleep(0)
    assert isinstance(told, dict)
    assert told["datagrams"] == {
        "address": hub.address.udp,
        "lines": ["sessions in datagrams: 0 of at most 512", "datagrams dropped: 1 not of this protocol"],
    }


def test_people_read_it_too(tmp_path: Path) -> None:
    result(tmp_path / "hub", "init", "--organisation", "Example Health", "--name", "Main desk")
    assert "datagrams" not in sfhub(tmp_path / "hub", "status").stdout.decode()
    with serving(tmp_path / "hub", "--udp", "0"):
        assert "sessions in datagrams: 0 of at most 512" in sfhub(tmp_path / "hub", "status").stdout.decode()


async def test_without_being_told_a_hub_does_not_listen_for_datagrams(hub: Hub) -> None:
    async with running(hub, host="127.0.0.1", port=0):
        assert hub.address.udp == ""


async def test_a_port_that_is_taken_is_named(hub: Hub) -> None:
    class Holder(asyncio.DatagramProtocol):
        """Has the port."""

    holder, _ = await asyncio.get_running_loop().create_datagram_endpoint(Holder, local_addr=("127.0.0.1", 0))
    port = holder.get_extra_info("sockname")[1]
    try:
        with pytest.raises((CannotListen, ExceptionGroup)) as raised:
            async with running(hub, host="127.0.0.1", port=0, udp_port=port):
                pass
        error = raised.value
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        assert f"{port}" in str(error)
        assert "--udp" in str(error)
    finally:
        holder.close()
