"""HTTP keeps the promises of a stream link, over real sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from tempfile import NamedTemporaryFile

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sync.links.http import HttpConnection, HttpDialer
from sync.links.http_listener import HttpListenerConnection
from sync.links.packet_sizes import packet_sizes
from sync.links.sockets import (
    UNSENT_BYTES_MAX,
    UNSENT_BYTES_MIN,
    USER_TIMEOUT_S,
    settings_of,
    tune_listening,
    tuned_socket,
)
from sync.links.thin_link import CORK_S_MAX
from sync.ports import Connection, LinkError, LinkRefused

from .contract import PATIENCE_S, ConnectionContract, Joined, receive_all, receive_exactly, send_and_finish


@asynccontextmanager
async def served(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A real server on the loopback; yields its address."""
    app = web.Application()
    app.router.add_post("/sync", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def joined(
    rate_bit_s: int = 22_000,
) -> AsyncIterator[tuple[HttpConnection, HttpListenerConnection]]:
    answered: asyncio.Queue[HttpListenerConnection] = asyncio.Queue()
    over = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        connection = HttpListenerConnection(request)
        async with connection.reading():
            answered.put_nowait(connection)
            await over.wait()
            with suppress(LinkError):  # Else the dialer's socket waits beyond the end of a test.
                await receive_all(connection)
            await connection.close()
        return connection.response

    async with served(handle) as url:
        dialer = await HttpDialer(url, rate_bit_s=rate_bit_s).dial()
        try:
            yield dialer, await answered.get()
        finally:
            over.set()
            await dialer.close()


class TestHttpConnection(ConnectionContract):
    def joined(self) -> Joined:
        return joined()


async def test_a_listener_that_finishes_first_does_not_stop_the_dialers_upload() -> None:
    async with asyncio.timeout(PATIENCE_S), joined() as (dialer, listener):
        await dialer.send(b"first")
        assert await receive_exactly(listener, 5) == b"first"
        await listener.send(b"all I have")
        await listener.finish()
        await dialer.send(b"second")
        await dialer.finish()
        assert await receive_all(listener) == b"second"
        assert await receive_all(dialer) == b"all I have"


async def test_nobody_sends_after_having_said_that_it_finished() -> None:
    async with asyncio.timeout(PATIENCE_S), joined() as pair:
        await pair[0].send(b"x")
        for end in pair:
            await end.finish()
            with pytest.raises(LinkError):
                await end.send(b"y")


async def test_what_was_sent_before_closing_still_arrives() -> None:
    async with asyncio.timeout(PATIENCE_S), joined(10**9) as (dialer, listener):
        await dialer.send(bytes(100_000))
        await dialer.finish()
        await dialer.close()
        assert await receive_all(listener) == bytes(100_000)


async def test_a_receiver_hears_when_its_own_end_is_closed() -> None:
    async with asyncio.timeout(PATIENCE_S), joined() as (dialer, listener):
        await dialer.send(b"x")
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(refused_or_broken(dialer))
            await receive_exactly(listener, 1)
            await dialer.close()
        assert isinstance(receiving.result(), LinkError)


async def refused_or_broken(connection: Connection) -> LinkError:
    with pytest.raises(LinkError) as caught:
        await receive_all(connection)
    return caught.value


async def test_a_cut_in_mid_stream_is_a_link_error_at_both_ends() -> None:
    async with asyncio.timeout(PATIENCE_S), cut_by_proxy(after_bytes=5_000) as (dialer, listener):
        async with asyncio.TaskGroup() as group:
            at_dialer = group.create_task(refused_or_broken(dialer))
            at_listener = group.create_task(refused_or_broken(listener))
            with pytest.raises(LinkError):
                await send_and_finish(dialer, bytes(10_000_000), piece_bytes=1_000)
        assert "next contact" in str(at_dialer.result())
        assert "broke" in str(at_listener.result())


@asynccontextmanager
async def cut_by_proxy(
    after_bytes: int,
) -> AsyncIterator[tuple[HttpConnection, HttpListenerConnection]]:
    """Both ends of a link that is cut, without a farewell, once so many bytes went up."""
    answered: asyncio.Queue[HttpListenerConnection] = asyncio.Queue()
    over = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        connection = HttpListenerConnection(request)
        async with connection.reading():
            answered.put_nowait(connection)
            await over.wait()
        return web.Response()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, up_writer = await asyncio.open_connection(*address)
        passed = 0
        while passed < after_bytes:
            data = await reader.read(1_000)
            passed += len(data)
            up_writer.write(data)
            await up_writer.drain()
        for transport in (writer.transport, up_writer.transport):
            transport.abort()

    async with served(handle) as url:
        address = url.removeprefix("http://").split(":")
        proxy = await asyncio.start_server(relay, "127.0.0.1", 0)
        host, port = proxy.sockets[0].getsockname()
        dialer = await HttpDialer(f"http://{host}:{port}").dial()
        try:
            yield dialer, await answered.get()
        finally:
            over.set()
            await dialer.close()
            proxy.close()
            await proxy.wait_closed()


# Refusals.


async def test_nobody_there_is_a_link_error_when_dialling() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(LinkError, match="next contact"):
            await HttpDialer(f"http://127.0.0.1:{port}").dial()
    with pytest.raises(LinkError, match="cannot be reached"):
        await HttpDialer("http://no-such-host.invalid").dial()


async def refusal_of(response: web.Response) -> str:
    async def handle(_: web.Request) -> web.Response:
        return response

    async with asyncio.timeout(PATIENCE_S), served(handle) as url:
        connection = await HttpDialer(url).dial()
        try:
            await connection.send(b"hello")
            with pytest.raises(LinkRefused) as refused:
                await connection.receive()
            return str(refused.value)
        finally:
            await connection.close()


async def test_the_other_ends_own_sentence_is_shown_without_control_characters() -> None:
    sentence = "This hub\x1b[2J does not know you.\x07"
    said = await refusal_of(web.Response(status=403, text=sentence + "x" * 9_999))
    assert said.startswith("This hub [2J does not know you. xxx")
    assert len(said) <= 400


async def test_a_login_page_in_between_is_named_as_what_it_is() -> None:
    elsewhere = {"Location": "http://login.example/"}
    said = await refusal_of(web.Response(status=302, headers=elsewhere, text="Moved."))
    assert "302" in said
    assert "no answer of a hub" in said
    said = await refusal_of(web.Response(status=511, text="<html>pay</html>", content_type="text/html"))
    assert "no answer of a hub" in said
    assert "pay" not in said
    said = await refusal_of(web.Response(status=200, text="<html>pay</html>", content_type="text/html"))
    assert "answered 200" in said
    assert "no answer of a hub" in said


async def test_dialling_can_be_cancelled_anywhere_and_leaves_nothing_open() -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response()

    async with asyncio.timeout(PATIENCE_S), served(handle) as url:
        for steps in range(25):
            async with asyncio.TaskGroup() as group:
                dialling = group.create_task(HttpDialer(url).dial())
                for _ in range(steps):
                    await asyncio.sleep(0)
                dialling.cancel()
            if not dialling.cancelled():
                await dialling.result().close()


# Over TLS.


def certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own making, and a client's that trusts just that."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=20_000))
        .not_valid_after(today + timedelta(days=20_000))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile() as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
        file.flush()
        server.load_cert_chain(file.name)
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_https_works_with_a_trust_of_ones_own_and_refuses_the_rest() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        connection = HttpListenerConnection(request)
        async with connection.reading():
            await connection.send(await connection.receive())
            await connection.finish()
            assert await connection.receive() == b""
        return connection.response

    server, client = certificates()
    async with asyncio.timeout(PATIENCE_S), served(handle, server) as url:
        connection = await HttpDialer(url, tls=client).dial()
        await connection.send(b"hello")
        assert await receive_exactly(connection, 5) == b"hello"
        await connection.finish()
        assert await connection.receive() == b""
        await connection.close()
        with pytest.raises(LinkError, match="certificate"):
            await HttpDialer(url).dial()


# Options of the socket.


async def test_what_the_kernel_made_of_our_wishes_is_told() -> None:
    async with asyncio.timeout(PATIENCE_S), joined() as (dialer, listener):
        for end in (dialer, listener):
            assert end.tcp is not None
            assert end.tcp.user_timeout_s == USER_TIMEOUT_S
            assert end.tcp.congestion_control
            assert end.properties.bounds_queue is (end.tcp.congestion_control == "bbr")
            assert end.described()[:2] == (
                "http: both directions at once",
                "congestion control: bbr"
                if end.properties.bounds_queue
                else f"congestion control: {end.tcp.congestion_control} (bbr is not permitted here)",
            )
            assert UNSENT_BYTES_MIN <= end.tcp.unsent_bytes_max <= UNSENT_BYTES_MAX


def data_segments(connection: HttpListenerConnection, *, received: bool = False) -> int:
    """What the kernel counts: `tcpi_data_segs_in` and `tcpi_data_segs_out` of its `struct tcp_info`."""
    target = connection.socket
    assert target is not None
    info = target.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    return int(struct.unpack_from("I", info, 152 if received else 156)[0])


async def test_the_answers_headers_leave_in_one_packet_with_its_first_bytes() -> None:
    async with asyncio.timeout(PATIENCE_S), joined() as (dialer, listener):
        await dialer.send(b"hello")
        await listener.send(b"good day")
        assert await receive_exactly(dialer, 8) == b"good day"
        assert data_segments(listener) == 1
        await listener.send(b"!")
        assert await receive_exactly(dialer, 1) == b"!"
        assert data_segments(listener) == 2


@pytest.mark.parametrize(
    ("rate_bit_s", "unsent_bytes", "small"),
    [(2_400, UNSENT_BYTES_MIN, True), (700_000, 35_000, False), (10**9, UNSENT_BYTES_MAX, False)],
)
async def test_options_follow_the_rate(rate_bit_s: int, unsent_bytes: int, small: bool) -> None:
    async with asyncio.timeout(PATIENCE_S), joined(rate_bit_s) as (dialer, listener):
        sizes = packet_sizes(rate_bit_s, 0.9)
        for end in (dialer, listener):
            assert end.tcp is not None
            assert small is (sizes is not None and end.tcp.segment_bytes_max <= sizes.segment_bytes)
        assert dialer.tcp is not None
        assert dialer.tcp.unsent_bytes_max == unsent_bytes
    with tuned_socket(rate_bit_s, socket.AF_INET, socket.SOCK_STREAM, 0) as tuned:
        assert tuned.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert not tuned.getblocking()


async def test_receipts_wait_for_an_answer_where_a_packet_is_dear() -> None:
    async with asyncio.timeout(PATIENCE_S), joined(2_400) as (thin, listener):
        assert thin.gather_s == CORK_S_MAX
        assert 0.0 <= listener.gather_s <= CORK_S_MAX
    async with asyncio.timeout(PATIENCE_S), joined(10_000_000) as (fast, _):
        assert fast.gather_s == 0.0


async def settled(condition: Callable[[], bool]) -> None:
    """Let the other end of the socket run until it is so."""
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be so")


async def test_what_arrived_before_a_cut_is_read_however_late_somebody_reads() -> None:
    """aiohttp drops what it still holds when a connection breaks; a site would pay for it twice."""
    sent = bytes(range(256)) * 150
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle(request: web.Request) -> web.StreamResponse:
        connection = HttpListenerConnection(request)
        async with connection.reading():
            await settled(lambda: request.transport is None)
            heard.put_nowait(await receive_exactly(connection, len(sent)))
            with pytest.raises(LinkError, match="broke"):
                await connection.receive()
        return connection.response

    async with asyncio.timeout(PATIENCE_S), served(handle) as url:
        _, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        writer.write(b"POST /sync HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + sent)
        writer.close()
        assert await heard.get() == sent


async def test_short_writes_share_a_segment_on_a_thin_link_and_leave_at_once_on_a_fast_one() -> None:
    for rate_bit_s, segments in ((9_600, 1), (100_000_000, 3)):
        async with asyncio.timeout(PATIENCE_S), joined(rate_bit_s) as (dialer, listener):
            for word in (b"one ", b"two ", b"three"):
                await dialer.send(word)
            assert await receive_exactly(listener, 13) == b"one two three"
            assert data_segments(listener, received=True) == 1 + segments  # The headers were first.


async def said_all(dialer: HttpConnection, listener: HttpListenerConnection) -> None:
    await dialer.send(b"x")
    await receive_exactly(listener, 1)
    await listener.send(b"y")
    await receive_exactly(dialer, 1)
    await listener.finish()


async def test_on_a_fast_link_the_end_is_said_and_heard() -> None:
    async with asyncio.timeout(PATIENCE_S), joined(10**9) as (dialer, listener):
        await said_all(dialer, listener)
        await dialer.finish()
        await dialer.close()
        assert await receive_all(listener) == b""


async def test_where_packets_are_dear_a_dialer_with_nothing_under_way_hangs_up_in_one() -> None:
    async with asyncio.timeout(PATIENCE_S), joined(9_600) as (dialer, listener):
        await said_all(dialer, listener)
        target = listener.socket
        assert target is not None
        before = data_segments(listener, received=True)
        await dialer.finish()
        await dialer.close()
        with pytest.raises(LinkError, match="broke"):
            await receive_all(listener)
        assert before == 2  # The headers, then "x"; the end of the body never left.


async def test_a_dialer_whose_last_words_are_under_way_does_not_hang_up_before_they_are_there() -> None:
    async with asyncio.timeout(PATIENCE_S), joined(9_600) as (dialer, listener):
        await dialer.send(bytes(500))
        await dialer.finish()  # In the same moment: nothing of it can have been acknowledged yet.
        await dialer.close()
        received = b""
        with suppress(LinkError):
            while data := await listener.receive():
                received += data
        assert received == bytes(500)


def test_what_a_listener_sets_its_callers_inherit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        tune_listening([listening])
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            congestion_control = settings_of(listening).congestion_control
            assert settings_of(accepted).congestion_control == congestion_control
            assert settings_of(accepted).user_timeout_s == USER_TIMEOUT_S


def test_much_may_lie_behind_a_gap_and_the_kernel_may_still_find_more() -> None:
    so_buf_lock = 72
    with socket.socket() as usual, tuned_socket(22_000, socket.AF_INET, socket.SOCK_STREAM, 0) as tuned:
        try:
            assert tuned.getsockopt(socket.SOL_SOCKET, so_buf_lock) == 0
        except OSError:
            pytest.skip("This kernel keeps what is set for good, so nothing is.")
        usual_bytes = usual.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert tuned.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > usual_bytes
