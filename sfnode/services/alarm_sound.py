"""The sound of an alarm where no terminal is open: a command of the site's choice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

SOUND_TIMEOUT_S: Final = 20.0
"""A siren that is longer has been heard by then."""


class SoundFailed(Exception):
    """The command could not be run or said that it failed; the message is a clause of a sentence."""


class AlarmSound:
    """Runs the alarm command, with neutral words as its last argument: arguments are no place for secrets."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    @property
    def configured(self) -> bool:
        return bool(self._command)

    async def ring(self, text: str) -> None:
        """Returns when the command has ended well. Raises `SoundFailed`."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                text,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise SoundFailed(
                f"alarm_command {self._command[0]} cannot be run ({error.strerror})."
            ) from error
        try:
            async with asyncio.timeout(SOUND_TIMEOUT_S):
                status = await process.wait()
        except TimeoutError as error:
            raise SoundFailed(f"alarm_command did not end within {SOUND_TIMEOUT_S:.0f} s.") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if status != 0:
            raise SoundFailed(f"alarm_command ended with status {status}.")
