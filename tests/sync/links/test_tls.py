"""Over TLS a hub is trusted by authority or by its pinned key, and every failure says what to do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from sync.links.http import HttpDialer
from sync.links.http_listener import HttpListenerConnection
from sync.links.tls import UnusableCertificate, listening_context
from sync.pins import PublicKeyPin
from sync.ports import LinkError, LinkRefused

from .contract import PATIENCE_S, receive_exactly

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2090, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Files:
    certificate: Path
    key: Path

    @property
    def authority(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


def make(
    folder: Path, *, ends: datetime = FAR_AHEAD, host: str = "127.0.0.1", key: ec.EllipticCurvePrivateKey
) -> Files:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(LONG_AGO)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = Files(folder / "cert.pem", folder / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@asynccontextmanager
async def echoing(context: ssl.SSLContext | None) -> AsyncIterator[str]:
    """A hub that answers with what it hears; yields host and port."""

    async def handle(request: web.Request) -> web.StreamResponse:
        connection = HttpListenerConnection(request)
        async with connection.reading():
            await connection.send(await connection.receive())
            await connection.finish()
            assert await connection.receive() == b""
        return connection.response

    app = web.Application()
    app.router.add_post("/sync", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield "{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


async def is_heard(dialer: HttpDialer) -> bool:
    connection = await dialer.dial()
    try:
        await connection.send(b"hello")
        await receive_exactly(connection, 5)
        await connection.finish()
        return await connection.receive() == b""
    finally:
        await connection.close()


async def test_a_pinned_key_is_trusted_whatever_the_certificate_around_it_says(tmp_path: Path) -> None:
    """Expired, for another host, made by itself: the clock and the name of the pinned end do not matter."""
    key = new_key()
    expired = make(tmp_path, ends=LONG_AGO + timedelta(days=1), host="192.0.2.7", key=key)
    context, pin = listening_context(expired.certificate, expired.key)
    async with asyncio.timeout(PATIENCE_S), echoing(context) as address:
        assert await is_heard(HttpDialer(f"https://{address}", pin=pin))
    renewed = make(tmp_path, key=key)
    context, pin_after = listening_context(renewed.certificate, renewed.key)
    assert pin_after == pin


async def test_another_key_is_refused_before_anything_is_said(tmp_path: Path) -> None:
    files = make(tmp_path, key=new_key())
    context, pin = listening_context(files.certificate, files.key)
    async with asyncio.timeout(PATIENCE_S), echoing(context) as address:
        with pytest.raises(LinkRefused, match="another key than the one pinned") as refused:
            await HttpDialer(f"https://{address}", pin=PublicKeyPin(bytes(32))).dial()
        assert pin.hex() in str(refused.value)


async def test_an_authority_is_trusted_and_an_expired_certificate_says_to_look_at_the_clock(
    tmp_path: Path,
) -> None:
    key = new_key()
    good = make(tmp_path, key=key)
    context, _ = listening_context(good.certificate, good.key)
    async with asyncio.timeout(PATIENCE_S), echoing(context) as address:
        assert await is_heard(HttpDialer(f"https://{address}", tls=good.authority))
        with pytest.raises(LinkRefused, match=r"not trusted here.*pinning"):
            await HttpDialer(f"https://{address}").dial()
    expired = make(tmp_path, ends=LONG_AGO + timedelta(days=1), key=key)
    context, _ = listening_context(expired.certificate, expired.key)
    async with asyncio.timeout(PATIENCE_S), echoing(context) as address:
        with pytest.raises(LinkRefused, match=r"not valid at this machine's time.*clock first"):
            await HttpDialer(f"https://{address}", tls=expired.authority).dial()


async def test_https_to_a_plain_hub_says_so() -> None:
    async with asyncio.timeout(PATIENCE_S), echoing(None) as address:
        with pytest.raises(LinkRefused, match="begins with http://"):
            await HttpDialer(f"https://{address}").dial()


async def test_plain_http_to_a_hub_with_tls_says_so(tmp_path: Path) -> None:
    files = make(tmp_path, key=new_key())
    context, _ = listening_context(files.certificate, files.key)
    async with asyncio.timeout(PATIENCE_S), echoing(context) as address:
        with pytest.raises(LinkError, match="begins with https://"):
            await is_heard(HttpDialer(f"http://{address}"))


@pytest.mark.parametrize("fault", ["missing", "garbage", "other key", "encrypted"])
def test_files_that_cannot_be_served_are_refused_without_a_word_of_their_content(
    tmp_path: Path, fault: str
) -> None:
    files = make(tmp_path, key=new_key())
    secret = files.key.read_text().splitlines()[1]
    if fault == "missing":
        files.key.unlink()
    elif fault == "garbage":
        files.certificate.write_text("no certificate")
    else:
        encryption = BestAvailableEncryption(b"word") if fault == "encrypted" else NoEncryption()
        files.key.write_bytes(new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    with pytest.raises(UnusableCertificate, match="Nothing was started") as refused:
        listening_context(files.certificate, files.key)
    assert secret not in str(refused.value)
