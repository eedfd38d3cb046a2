"""The old way: an e-mail with attachments, submitted by SMTP over TLS; the reply is fetched by POP3."""

from __future__ import annotations

import shutil
import sys
from email.message import EmailMessage
from email.policy import SMTP
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from .certificate import CERTIFICATE, write_certificate
from .https_curl import CURL, curl_obstacle
from .mail_server import ARRIVED, REPLY, USER, parts_of
from .peer import PeerCase, Place

_CASE: Final = "case.eml"
_SITE: Final = "site@example.org"
_HUB: Final = "hub@example.org"


class Mail:
    """Implicit TLS (RFC 8314) and initial responses, so with as few round trips as e-mail allows."""

    name = "e-mail"
    title = "e-mail with attachments (SMTP, reply by POP3), by curl"
    ports_count = 2

    def obstacle(self) -> str | None:
        if find_spec("aiosmtpd") is None:
            return "the mail server's library is not installed (Python package aiosmtpd)"
        return curl_obstacle()

    def hub_command(self, place: Place, case: PeerCase) -> list[str]:
        pictures = {f"photograph-{number}.jpg": data for number, data in enumerate(case.photographs, 1)}
        (place.site / _CASE).write_bytes(_mail(_SITE, _HUB, case.text, pictures))
        (place.hub / REPLY).write_bytes(_mail(_HUB, _SITE, case.reply, {}))
        write_certificate(place.hub, place.dial[0][0])
        shutil.copy(place.hub / CERTIFICATE, place.site / CERTIFICATE)
        ports = [str(port) for port in place.listen_ports]
        return [
            sys.executable,
            "-m",
            "simulations.peers.mail_server",
            place.listen_host,
            *ports,
            str(place.hub),
        ]

    def site_commands(self, place: Place) -> tuple[list[str], ...]:
        (smtp_host, smtp_port), (pop_host, pop_port) = place.dial
        common = [*CURL, "--cacert", str(place.site / CERTIFICATE), "--user", USER, "--sasl-ir"]
        addressed = ["--mail-from", _SITE, "--mail-rcpt", _HUB]
        return (
            [
                *common,
                *addressed,
                "--upload-file",
                str(place.site / _CASE),
                f"smtps://{smtp_host}:{smtp_port}",
            ],
            [*common, "--output", str(place.site / REPLY), f"pop3s://{pop_host}:{pop_port}/1"],
        )

    def has_arrived(self, place: Place, case: PeerCase) -> bool:
        return _parts(place.hub / ARRIVED) == [case.text, *case.photographs] and _parts(
            place.site / REPLY
        ) == [case.reply]


def _mail(sender: str, recipient: str, text: bytes, pictures: dict[str, bytes]) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, recipient, "Case"
    message.add_attachment(text, maintype="application", subtype="json", filename="case.json")
    for name, data in pictures.items():
        message.add_attachment(data, maintype="image", subtype="jpeg", filename=name)
    return message.as_bytes()


def _parts(path: Path) -> list[bytes]:
    return parts_of(path.read_bytes()) if path.exists() else []
