"""Between namespaces real packets meet the configured rate, delay and loss, and every byte is counted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulations.emulator import EmulatorBroken, Mode, open_link
from simulations.emulator.namespaces import remove_stale_namespaces
from simulations.links import load_profile
from tests.simulations.emulator.ends import FAR_ENDS, PORT, UDP_IP_HEADER_BYTES, at_hub, at_site, sunk
from tests.simulations.emulator.fast_links import fast_link

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("_namespaces")]


def namespaces() -> set[str]:
    listed = subprocess.run(["ip", "-json", "netns"], capture_output=True, text=True, check=True).stdout
    return {entry["name"] for entry in json.loads(listed or "[]")}


class Capture:
    """A sniffer at one end of the link."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def begin(cls, command: Callable[[list[str]], list[str]]) -> Capture:
        argv = command([sys.executable, FAR_ENDS, "capture", "link0"])
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        return cls(process)

    async def end(self) -> tuple[int, int]:
        """Bytes that left by this end, and bytes that came."""
        words, _ = await self._process.communicate(b"")
        left, came = words.split()
        return int(left), int(came)


async def said(argv: list[str], *, status: int = 0) -> str:
    """What a command printed, on either stream."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    words, _ = await process.communicate()
    assert process.returncode == status, words
    return words.decode()


async def test_the_round_trip_is_within_5_ms() -> None:
    profile = load_profile("certus-100")
    async with open_link(profile, seed=2, mode="namespace") as link, at_hub(link, "echo"):
        assert link.mode is Mode.NAMESPACE
        count, median_s = (await at_site(link, "ping", 40, 0.05)).split()
    packet_bytes = 8 + UDP_IP_HEADER_BYTES
    on_the_line_s = profile.up.serialisation_s(packet_bytes) + profile.down.serialisation_s(packet_bytes)
    assert int(count) >= 38
    assert (float(median_s) - on_the_line_s) * 1000 == pytest.approx(profile.rtt_ms, abs=5)


@pytest.mark.parametrize(("rate_bit_s", "count"), [(500_000, 150), (10_000_000, 3_000)])
async def test_the_rate_is_within_2_percent(rate_bit_s: int, count: int) -> None:
    size = 1_000
    async with open_link(fast_link(rate_bit_s=rate_bit_s), mode="namespace") as link:
        async with at_hub(link, "sink") as sink:
            await at_site(link, "flood", count, size, rate_bit_s * 1.1)
            _, payload_bit_s = await sunk(sink)
    ip_bit_s = payload_bit_s * (size + UDP_IP_HEADER_BYTES) / size
    assert ip_bit_s == pytest.approx(rate_bit_s, rel=0.02)


async def test_the_loss_is_within_10_percent_and_the_counters_know_it() -> None:
    count, loss = 15_000, 0.05
    async with open_link(fast_link(loss=loss), mode="namespace") as link:
        async with at_hub(link, "sink") as sink:
            await at_site(link, "flood", count, 100, 8_000_000)
            packets, _ = await sunk(sink)
        counters = link.counters()
    assert 1 - packets / count == pytest.approx(loss, rel=0.1)
    assert counters.up.packets_sent == count + 1
    assert counters.up.packets_delivered in (packets, packets + 1)  # The end is a packet as well.


async def test_the_counters_agree_with_the_kernels_own() -> None:
    async with open_link(fast_link(), mode="namespace") as link:
        async with at_hub(link, "sink") as sink:
            await at_site(link, "flood", 500, 700, 20_000_000)
            await sunk(sink)
        show = ["ip", "-json", "-statistics", "link", "show", "dev", "link0"]
        shown = await said(link.site_command(show))
        counters = link.counters()
    kernel = json.loads(shown)[0]["stats64"]["tx"]
    assert (counters.up.bytes_sent, counters.up.packets_sent) == (kernel["bytes"], kernel["packets"])
    assert counters.up.bytes_delivered == 500 * (700 + UDP_IP_HEADER_BYTES) + 3 + UDP_IP_HEADER_BYTES
    assert counters.down.packets_sent == 0, "the kernel must not chatter on the link"


@pytest.mark.parametrize("loss", [0.0, 0.03])
async def test_a_packet_capture_of_a_tcp_connection_counts_what_we_count(loss: float) -> None:
    link_profile = fast_link(rate_bit_s=8_000_000, delay_ms=10, loss=loss)
    async with open_link(link_profile, mode="namespace", seed=3) as link:
        async with at_hub(link, "answer", 60_000) as hub:
            site_end = await Capture.begin(link.site_command)
            hub_end = await Capture.begin(link.hub_command)
            assert await at_site(link, "ask", 300_000) == "60000\n"
            await hub.wait()
            await asyncio.sleep(0.5)  # The last acknowledgements are on their way.
        left_site, came_to_site = await site_end.end()
        left_hub, came_to_hub = await hub_end.end()
        counters = link.counters()
    ours = counters.up.bytes_sent, counters.up.bytes_delivered
    assert ours == pytest.approx((left_site, came_to_hub), rel=0.02)
    ours = counters.down.bytes_sent, counters.down.bytes_delivered
    assert ours == pytest.approx((left_hub, came_to_site), rel=0.02)
    assert (left_site > came_to_hub) == (loss > 0)


async def test_a_cut_silences_the_link_until_restored() -> None:
    async with open_link(fast_link(), mode="namespace") as link, at_hub(link, "echo"):
        link.cut()
        assert not link.is_up
        before = link.counters()
        host, port = link.hub_address(int(PORT), "udp")
        knock = f"import socket; socket.socket(2, 2).sendto(b'knock', ({host!r}, {port}))"
        await said(link.site_command([sys.executable, "-c", knock]))
        during = link.counters() - before
        assert (during.up.packets_dropped, during.up.packets_delivered) == (1, 0)
        link.restore()
        assert link.is_up
        assert (await at_site(link, "ping", 3, 0.01)).startswith("3 ")


async def test_two_links_at_once_do_not_meet() -> None:
    async with (
        open_link(fast_link(), mode="namespace") as one,
        open_link(fast_link(), mode="namespace") as two,
    ):
        async with at_hub(one, "echo"):
            assert (await at_site(one, "ping", 2, 0.01)).startswith("2 ")
        assert one.counters().up_packets_sent == 3
        assert two.counters().up_packets_sent == 0


async def test_nothing_leaves_the_namespaces() -> None:
    reach = "import socket; socket.socket(2, 2).connect(('192.0.2.1', 9))"
    async with open_link(fast_link(), mode="namespace") as link:
        routes = json.loads(await said(link.site_command(["ip", "-json", "route"])))
        refusal = await said(link.site_command([sys.executable, "-c", reach]), status=1)
    assert [route["dst"] for route in routes] == ["10.77.0.2"]
    assert "Network is unreachable" in refusal


async def test_each_end_has_a_loopback_of_its_own() -> None:
    dial = (
        "import socket; near = socket.create_server(('127.0.0.1', 0));"
        "socket.create_connection(near.getsockname()); print('met')"
    )
    async with open_link(fast_link(), mode="namespace") as link:
        assert await said(link.site_command([sys.executable, "-c", dial])) == "met\n"
        assert await said(link.hub_command([sys.executable, "-c", dial])) == "met\n"


async def test_a_browser_on_this_machine_reaches_the_hub_past_the_link() -> None:
    async with open_link(fast_link(), mode="namespace") as link:
        serve = (
            "import socket, sys; s = socket.create_server((sys.argv[1], 8000)); print('ready', flush=True)\n"
            "while True:\n c, _ = s.accept(); c.sendall(c.recv(100).upper()); c.close()"
        )
        argv = link.hub_command([sys.executable, "-c", serve, link.hub_listen_host])
        hub = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        assert hub.stdout is not None
        await hub.stdout.readline()
        for _ in range(2):
            reader, writer = await asyncio.open_connection(*link.hub_address_nearby(8_000))
            writer.write(b"hello")
            assert await reader.read(-1) == b"HELLO"
            writer.close()
        hub.kill()
        await hub.wait()
        assert link.counters().up_packets_sent == 0
        assert link.hub_url_nearby(8_000).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("mtu_bytes", [576, 1_500, 9_000])
async def test_the_mtu_is_the_profiles(mtu_bytes: int) -> None:
    async with open_link(fast_link(mtu_bytes=mtu_bytes), mode="namespace") as link:
        shown = await said(link.site_command(["ip", "-json", "link", "show", "dev", "link0"]))
    assert json.loads(shown)[0]["mtu"] == mtu_bytes


async def test_namespaces_are_gone_after_the_link() -> None:
    before = namespaces()
    async with open_link(fast_link(), mode="namespace"):
        assert len(namespaces() - before) == 2
    assert namespaces() <= before


OWNER = """
import asyncio, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # Whoever runs us in the background ignores it.
from simulations.emulator import open_link
from simulations.links import load_profile
async def main():
    async with open_link("lan", mode="namespace") as link:
        print(link.carrier_pid, *link.site_command([])[3:], flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_an_owner_that_dies_takes_the_namespaces_along(ending: signal.Signals) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert owner.stdout is not None
    carrier_pid, site = (await owner.stdout.readline()).decode().split()
    assert site in namespaces()
    carrier = os.pidfd_open(int(carrier_pid))
    owner.send_signal(ending)
    await owner.wait()
    await wait_gone(carrier)
    assert site not in namespaces()


async def test_a_carrier_asked_to_terminate_cleans_up() -> None:
    before = namespaces()
    async with open_link(fast_link(), mode="namespace") as link:
        carrier = os.pidfd_open(link.carrier_pid)
        os.kill(link.carrier_pid, signal.SIGTERM)
        await wait_gone(carrier)
        assert namespaces() <= before
        with pytest.raises(EmulatorBroken):
            link.cut()


async def test_the_namespaces_of_a_killed_carrier_are_removed_by_the_next_run() -> None:
    async with open_link(fast_link(), mode="namespace") as link:
        site = link.site_command([])[3]
        os.kill(link.carrier_pid, signal.SIGKILL)
    assert site in namespaces()
    async with open_link(fast_link(), mode="namespace"):
        assert site not in namespaces()
    assert remove_stale_namespaces() == []


async def test_root_without_the_right_to_make_namespaces_gets_the_relay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "ip"
    refusing.write_text(
        "#!/bin/sh\necho 'mount --make-shared /run/netns failed: Operation not permitted' >&2\nexit 1\n"
    )
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    async with open_link(fast_link(), mode="auto") as link:
        assert link.mode is Mode.RELAY
        assert "Operation not permitted" in link.describe()


async def wait_gone(descriptor: int) -> None:
    """Wait until the process behind a pidfd has ended."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, gone.set)
    await gone.wait()
    loop.remove_reader(descriptor)
    os.close(descriptor)
