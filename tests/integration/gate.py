"""A door between node and hub that lets so many bytes through, then holds or cuts: no clock decides when."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import Enum


class Then(Enum):
    """What happens to a connection when its bytes upward are used up."""

    HOLD = "hold"
    CUT = "cut"


class Gate:
    """Forwards TCP connections to the hub, in threads of its own."""

    def __init__(self, hub_port: int) -> None:
        self._hub_port = hub_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._limit_bytes: int | None = None
        self._then = Then.CUT
        self._opened = threading.Event()
        self.reached = threading.Event()
        """Set when a connection has used its bytes up."""
        self.up_bytes = 0
        """Forwarded to the hub, over all connections."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def limit(self, up_bytes: int, then: Then) -> None:
        """For each connection from now on."""
        self._limit_bytes, self._then = up_bytes, then
        self._opened.clear()
        self.reached.clear()

    def open(self) -> None:
        """No limit any more; what is held goes on."""
        self._limit_bytes = None
        self._opened.set()

    def close(self) -> None:
        _hang_up(self._listener)
        self._opened.set()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            try:
                hub = socket.create_connection(("127.0.0.1", self._hub_port))
            except OSError:
                caller.close()
                continue
            limit_bytes = self._limit_bytes
            threading.Thread(target=self._up, args=(caller, hub, limit_bytes), daemon=True).start()
            threading.Thread(target=_forward, args=(hub, caller), daemon=True).start()

    def _up(self, caller: socket.socket, hub: socket.socket, left_bytes: int | None) -> None:
        with suppress(OSError):
            while data := caller.recv(512):
                if left_bytes is not None:
                    data, left_bytes = data[:left_bytes], left_bytes - len(data[:left_bytes])
                hub.sendall(data)
                self.up_bytes += len(data)
                if left_bytes == 0:
                    self.reached.set()
                    if self._then is Then.HOLD:
                        self._opened.wait()
                    break
        _hang_up(caller)
        _hang_up(hub)


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
    _hang_up(source)
    _hang_up(target)


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
