"""The hub end of the usual way: takes one case as an HTTPS POST and answers with the reply.

Run as a program: `python -m simulations.peers.https_server HOST PORT FOLDER`.
"""

from __future__ import annotations

import http.server
import json
import sys
from pathlib import Path
from typing import Final

from .certificate import server_context

BODY_BYTES_MAX: Final = 64 * 1024 * 1024
REPLY: Final = "reply.json"
ARRIVED: Final = "arrived.json"
_RECEIVED: Final = json.dumps({"status": "received"}).encode()


class CaseServer(http.server.HTTPServer):
    """Keeps the newest case in its folder."""

    def __init__(self, host: str, port: int, folder: Path) -> None:
        super().__init__((host, port), _Receiver)
        self.folder = folder
        reply = folder / REPLY
        self.reply = reply.read_bytes() if reply.exists() else _RECEIVED
        context = server_context(folder)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


class _Receiver(http.server.BaseHTTPRequestHandler):
    """Reads the whole body, then answers in one piece."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: CaseServer

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        if not 0 < size <= BODY_BYTES_MAX:
            self.send_error(413)
            return
        body = self.rfile.read(size)
        json.loads(body)
        (self.server.folder / ARRIVED).write_bytes(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.reply)))
        self.end_headers()
        self.wfile.write(self.server.reply)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the figures are counted on the line."""


def main() -> None:
    """Answer posts until killed."""
    host, port, folder = sys.argv[1:]
    with CaseServer(host, int(port), Path(folder)) as server:
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
