"""Keeps the note of a store's identity not far behind what the store has given out.

Law: never ahead of what is durable in the database. Used on the thread of the database's writer alone.
"""

from __future__ import annotations

from .identity import NOTED_EVERY, IdentityNote, Sidecar
from .machine import Marks


class Watermark:
    """What the note says of an open store; without a sidecar nothing, at no cost."""

    def __init__(self) -> None:
        self._sidecar: Sidecar | None = None
        self._marks: Marks = {}
        self._noted = 0
        self.trouble = ""
        """Why the note could not be written the last time; empty when it was. A store goes on without."""

    def begin(self, sidecar: Sidecar, marks: Marks, given_out: int) -> None:
        """The store is open, here, and has given out so much."""
        self._sidecar, self._marks = sidecar, marks
        self.note(given_out)

    def committed(self, given_out: int) -> None:
        """So much is durable in the database."""
        if given_out - self._noted >= NOTED_EVERY:
            self.note(given_out)

    def note(self, given_out: int) -> None:
        """Write it down, exactly. Never raises."""
        self._noted = given_out
        if self._sidecar is None:
            return
        try:
            self._sidecar.write(IdentityNote(given_out=given_out, marks=self._marks))
        except OSError as error:
            self.trouble = f"{self._sidecar.path} cannot be written ({error.strerror})"
        else:
            self.trouble = ""
