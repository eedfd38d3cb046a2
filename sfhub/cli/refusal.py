"""How a call that the hub refused reaches the end of the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.local_socket import Fault  # Only for its type: `--help` must not import msgpack and the rest.


class CallRefused(Exception):
    """The hub's own sentence, code and exit status."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault
