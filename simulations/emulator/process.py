"""Starts, asks and ends a child process over a private socket pair.

The child ends when our side of the pair closes, also when we are killed and cannot say goodbye.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Sequence

from .control import CONTROL_READ_BYTES, LineBuffer, Reply, decode_reply
from .errors import EmulatorBroken

START_TIMEOUT_S = 30.0  # Namespaces take ten `ip` calls, and the machine may be busy.
ANSWER_TIMEOUT_S = 10.0
END_TIMEOUT_S = 10.0


class ControlledProcess:
    """One child, whose answers come one line per line sent."""

    def __init__(self, make_argv: Callable[[int], Sequence[str]], also_pass: Sequence[int] = ()) -> None:
        """Start `make_argv(descriptor)`, where the descriptor is the child's end of the pair."""
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                make_argv(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), *also_pass),
                start_new_session=True,  # A Ctrl-C at the terminal must not reach it before us.
            )
        self._received = LineBuffer()

    def ask(self, line: bytes, timeout_s: float = ANSWER_TIMEOUT_S) -> Reply:
        """Send one line and wait for its reply; raises `EmulatorBroken` if none comes."""
        self._control.settimeout(timeout_s)
        try:
            self._control.sendall(line)
            while data := self._control.recv(CONTROL_READ_BYTES):
                for answer in self._received.receive(data):
                    return decode_reply(answer)
        except OSError as error:
            raise EmulatorBroken(f"The process that carries the link does not answer: {error}.") from error
        raise EmulatorBroken("The process that carries the link has ended; its last words are above.")

    def end(self) -> None:
        """Let the child clean up and go; insist if it does not."""
        self._control.close()
        for insist in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(END_TIMEOUT_S)
                return
            except subprocess.TimeoutExpired:
                insist()
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid
