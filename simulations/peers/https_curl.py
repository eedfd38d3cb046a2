"""The usual way: one HTTPS POST by curl, JSON with the photographs in base64, the reply in the response."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .certificate import CERTIFICATE, write_certificate
from .https_server import ARRIVED, REPLY
from .peer import PeerCase, Place

_CASE: Final = "case.json"
CURL: Final = ("curl", "--silent", "--show-error", "--connect-timeout", "60")
_RETRY: Final = ("--retry", "1000", "--retry-all-errors", "--retry-delay", "2")


def case_as_json(text: bytes, photographs: Sequence[bytes], media_type: str = "image/jpeg") -> bytes:
    """The body that a web form's back end would post: everything in one request, pictures in base64."""
    if not photographs:
        return text
    attachments = [{"type": media_type, "data": base64.b64encode(data).decode()} for data in photographs]
    return json.dumps({"case": json.loads(text), "attachments": attachments}, separators=(",", ":")).encode()


def curl_obstacle() -> str | None:
    """Why curl cannot be used; None if it can."""
    return None if shutil.which("curl") else "curl is not installed (package curl)"


class HttpsPost:
    """A cold connection, TLS 1.3 with a P-256 certificate of 0.4 kB."""

    name = "https"
    title = "HTTPS POST of JSON + base64 by curl"
    ports_count = 1

    def obstacle(self) -> str | None:
        return curl_obstacle()

    def hub_command(self, place: Place, case: PeerCase) -> list[str]:
        (place.site / _CASE).write_bytes(case_as_json(case.text, case.photographs))
        (place.hub / REPLY).write_bytes(case.reply)
        write_certificate(place.hub, place.dial[0][0])
        shutil.copy(place.hub / CERTIFICATE, place.site / CERTIFICATE)
        server = [sys.executable, "-m", "simulations.peers.https_server"]
        return [*server, place.listen_host, str(place.listen_ports[0]), str(place.hub)]

    def site_commands(self, place: Place) -> tuple[list[str], ...]:
        host, port = place.dial[0]
        post = [
            *("--cacert", str(place.site / CERTIFICATE)),
            *("--header", "Content-Type: application/json"),
            *("--data-binary", f"@{place.site / _CASE}"),
            *("--output", str(place.site / REPLY)),
            f"https://{host}:{port}/cases",
        ]
        return ([*CURL, *_RETRY, "--fail", *post],)

    def has_arrived(self, place: Place, case: PeerCase) -> bool:
        body = case_as_json(case.text, case.photographs)
        return _holds(place.hub / ARRIVED, body) and _holds(place.site / REPLY, case.reply)


def _holds(path: Path, data: bytes) -> bool:
    return path.exists() and path.read_bytes() == data
