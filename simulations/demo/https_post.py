"""The usual way, for comparison: the same case as one HTTPS POST of JSON with base64 photographs.

Run as a program at either end of an emulated link: `serve HOST PORT FOLDER` or `send URL FOLDER CASE_FILE`.
"""

from __future__ import annotations

import base64
import datetime
import http.client
import http.server
import ipaddress
import json
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

BODY_BYTES_MAX: Final = 64 * 1024 * 1024
ANSWER: Final = json.dumps({"status": "received"}).encode()
_TIMEOUT_S: Final = 900.0


def case_as_json(text: Mapping[str, object], photographs: Sequence[bytes]) -> bytes:
    """The body that a web form's back end would post: everything in one request, pictures in base64."""
    attachments = [{"type": "image/avif", "data": base64.b64encode(data).decode()} for data in photographs]
    return json.dumps({**text, "attachments": attachments}).encode()


def write_certificate(folder: Path, address: str) -> None:
    """A self-signed P-256 certificate: shorter than a public chain, so kind to the comparison."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=20_000))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .sign(key, SHA256())
    )
    (folder / "server.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.key").touch(mode=0o600)
    (folder / "server.key").write_bytes(private)


class _Receiver(http.server.BaseHTTPRequestHandler):
    """Reads the whole body, then answers."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        if not 0 < size <= BODY_BYTES_MAX:
            self.send_error(413)
            return
        json.loads(self.rfile.read(size))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the demonstration prints the figures itself."""


def serve(host: str, port: int, folder: Path) -> None:
    """Answer posts until killed; prints one line when it listens."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    with http.server.HTTPServer((host, port), _Receiver) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        server.serve_forever()


def send(url: str, folder: Path, case_file: Path) -> None:
    """Post the case once; raises when the answer is not 200."""
    target = urlsplit(url)
    context = ssl.create_default_context(cafile=str(folder / "server.crt"))
    connection = http.client.HTTPSConnection(
        target.hostname or "", target.port, timeout=_TIMEOUT_S, context=context
    )
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = case_file.read_bytes()
    connection.request("POST", "/cases", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        raise SystemExit(f"the server answered {answer.status}")


def main(argv: Sequence[str]) -> None:
    """Dispatch the two ends."""
    match argv:
        case ["serve", host, port, folder]:
            serve(host, int(port), Path(folder))
        case ["send", url, folder, case_file]:
            send(url, Path(folder), Path(case_file))
        case _:
            raise SystemExit("usage: serve HOST PORT FOLDER | send URL FOLDER CASE_FILE")


if __name__ == "__main__":
    main(sys.argv[1:])
