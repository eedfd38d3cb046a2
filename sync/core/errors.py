"""Whose fault it is when a session cannot go on.

SessionError
├── LocalError     our own program drove the session wrongly: a bug, let it surface
└── RemoteError    the peer broke the rules of the session: the session ends, custody is untouched
"""

from __future__ import annotations


class SessionError(Exception):
    """Root of the core's errors; the message is a sentence for people."""


class LocalError(SessionError):
    """A call that the session's state does not allow."""


class RemoteError(SessionError):
    """A frame that the session's state does not allow."""
