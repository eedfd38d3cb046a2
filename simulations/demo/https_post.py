"""The usual way, for comparison: the case as one HTTPS POST, by Python alone, as a demonstration has no more.

Run as a program at the site's end of a link: `python -m simulations.demo.https_post URL FOLDER CASE`.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from simulations.peers.certificate import CERTIFICATE

_TIMEOUT_S: Final = 900.0


def send(url: str, folder: Path, case_file: Path) -> None:
    """Post the case once, to the server whose certificate is in `folder`; raises unless it answers 200."""
    target = urlsplit(url)
    context = ssl.create_default_context(cafile=str(folder / CERTIFICATE))
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


if __name__ == "__main__":
    send(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
