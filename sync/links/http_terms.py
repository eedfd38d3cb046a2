"""What both ends of the HTTP link agree on: paths, the marks of a turn, and how long each waits.

A session is one request whose two bodies flow at once; or, where something in between holds bodies back
until they are whole, a row of short requests, the *turns*. Every body of a turn ends with one byte that says
whether its sender goes on, so a body that was cut short is never taken for a whole one.
"""

from __future__ import annotations

from typing import Final

SYNC_PATH: Final = "/sync"
SESSION_NAME_BYTES: Final = 9
"""Random; written as 12 characters of base64url it names the session in the path of each turn."""

GOES_ON: Final = b"\x00"
FINAL: Final = b"\x01"

BUFFER_BYTES_MAX: Final = 16 * 1024
"""What may wait in this process for the kernel before a sender is held back."""
INBOX_BYTES_MAX: Final = 64 * 1024
"""What may lie unread before the medium is held back."""

GATHER_S: Final = 0.1
"""A turn's body waits this long for more: reading one chunk from custody takes less."""
HOLD_S: Final = 40.0
"""A listener without news answers so late: one request a while instead of many. Proxies wait for 60 s."""
BETWEEN_TURNS_S: Final = 150.0
"""For the next turn to arrive; as long as a session is kept without a sign of life."""
ANSWER_BYTES_MAX: Final = 256 * 1024
"""Of one response in turns: a proxy may hand it on only when it is whole."""
BODY_BYTES_MAX: Final = 256 * 1024
"""Of one request in turns; proxies refuse bodies above 1 MiB unless told otherwise."""
BODY_BYTES_LEAST: Final = 512
"""However little something in between takes at once: below it a session is nearly all headers."""
