"""The hub end of e-mail: takes mail by SMTP and, once a case came, has the reply in a mailbox for POP3.

Run as a program: `python -m simulations.peers.mail_server HOST SMTP_PORT POP3_PORT FOLDER`.
"""

from __future__ import annotations

import asyncio
import sys
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .certificate import server_context

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER: Final = "site:a long password"
REPLY: Final = "reply.eml"
ARRIVED: Final = "arrived.eml"
MAIL_BYTES_MAX: Final = 64 * 1024 * 1024
_PATIENCE_S: Final = 900.0


def parts_of(mail: bytes) -> list[bytes]:
    """The attachments of a mail, as they were before e-mail spelled them its way."""
    attached = message_from_bytes(mail, policy=policy.default).iter_attachments()
    return [data for part in attached if isinstance(data := part.get_payload(decode=True), bytes)]


class _Inbox:
    """What aiosmtpd calls when a mail has come whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        (self._folder / ARRIVED).write_bytes(
            content if isinstance(content, bytes) else (content or "").encode()
        )
        return "250 OK"


class Pop3Session:
    """One connection of a mailbox that holds the reply and nothing else (RFC 1939, as far as it is asked)."""

    def __init__(self, folder: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._folder = folder
        self._reader = reader
        self._writer = writer

    async def run(self) -> None:
        """Until QUIT, or until the caller goes."""
        try:
            await self._say("+OK")
            while line := (await self._reader.readline()).decode("ascii", "replace").split():
                await self._say(self._answer(line[0].upper()))
                if line[0].upper() == "QUIT":
                    break
        except (ConnectionError, ValueError):
            pass  # The caller went, or does not speak this language; curl calls again.
        finally:
            self._writer.close()

    def _answer(self, verb: str) -> str:
        match verb:
            case "CAPA":
                return "+OK\r\nUSER\r\n."
            case "RETR" if (self._folder / ARRIVED).exists():
                mail = (self._folder / REPLY).read_bytes().decode("ascii")
                lines = ["." + line if line.startswith(".") else line for line in mail.splitlines()]
                return "\r\n".join(["+OK", *lines, "."])
            case "RETR":
                return "-ERR no mail yet"
            case "USER" | "PASS" | "QUIT":
                return "+OK"
            case _:
                return "-ERR"

    async def _say(self, words: str) -> None:
        self._writer.write(words.encode("ascii") + b"\r\n")
        await self._writer.drain()


async def serve(host: str, smtp_port: int, pop3_port: int, folder: Path) -> None:
    """Until killed."""
    from aiosmtpd.smtp import SMTP, AuthResult

    def authenticate(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=mechanism in ("PLAIN", "LOGIN"))

    def smtp() -> SMTP:
        return SMTP(
            _Inbox(folder),
            hostname="hub.example.org",
            data_size_limit=MAIL_BYTES_MAX,
            timeout=_PATIENCE_S,
            auth_required=True,
            auth_require_tls=False,  # TLS is there from the first byte; it only knows STARTTLS.
            authenticator=authenticate,
        )

    async def pop3(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Pop3Session(folder, reader, writer).run()

    tls = server_context(folder)
    loop = asyncio.get_running_loop()
    submission = await loop.create_server(smtp, host, smtp_port, ssl=tls, ssl_handshake_timeout=_PATIENCE_S)
    mailbox = await asyncio.start_server(pop3, host, pop3_port, ssl=tls, ssl_handshake_timeout=_PATIENCE_S)
    async with submission, mailbox:
        await submission.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
