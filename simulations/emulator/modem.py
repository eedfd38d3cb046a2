"""Two modems on pseudo-terminals, joined by an emulated link: for programs that dial.

They know the commands that dialling programs use (ITU-T V.250): ATZ, ATE, ATI, ATH, ATA, ATD, ATO, ATS0=n
and +++ between pauses. Bytes cross at the profile's rate; what the profile loses is missing from the stream,
as on a line without error correction.
"""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final

from simulations.links import Fate, LinkProfile

from .carriage import Carriage
from .control import Mode, Start
from .packet_log import PacketLog
from .timed_line import TimedLine

PIECE_BYTES: Final = 32
"""What is lost or late at once; under 27 ms at 9,600 bit/s."""
COMMAND_BYTES_MAX: Final = 256
RINGS_MAX: Final = 15
RING_EVERY_S: Final = 2.0
GUARD_S: Final = 1.0
"""Silence before and after +++ (register S12 of most modems)."""
_ESCAPE: Final = b"+++"
_READ_BYTES: Final = 4096
_PASSED_OVER: Final = ("", "I", "L", "M", "Q", "V", "W", "X", "&", "+")
_WATCH_S: Final = 0.2


class Talk(Enum):
    """What the program at a modem speaks with."""

    COMMANDS = "the modem"
    DATA = "the modem at the other end"


class Modem:
    """One end: a pseudo-terminal that a program opens, and a line to the other modem."""

    def __init__(
        self, path: Path, line: TimedLine, *, rate_bit_s: float, is_in_service: Callable[[], bool]
    ) -> None:
        self.path = path
        self.connected_s = 0.0
        self._line = line
        self._rate_bit_s = rate_bit_s
        self._is_in_service = is_in_service
        self._loop = asyncio.get_running_loop()
        self._other: Modem | None = None
        self._talk = Talk.COMMANDS
        self._carrier = False
        self._rings_to_answer = 0
        self._echo = True
        self._typed = bytearray()
        self._waiting = bytearray()
        self._sending: asyncio.Task[None] | None = None
        self._ringing: asyncio.Task[None] | None = None
        self._last_data_s = 0.0
        self._escaping: asyncio.TimerHandle | None = None
        self._began_s = 0.0
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave, termios.TCSANOW)
        os.set_blocking(self._master, False)
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(self._slave))

    def join(self, other: Modem) -> None:
        """Lay the line to the other modem, and listen to our program."""
        self._other = other
        self._loop.add_reader(self._master, self._read)

    def close(self) -> None:
        """Take the device away."""
        self._loop.remove_reader(self._master)
        for task in (self._sending, self._ringing):
            if task is not None:
                task.cancel()
        if self._escaping is not None:
            self._escaping.cancel()
        with suppress(OSError):
            self.path.unlink()
        os.close(self._master)
        os.close(self._slave)

    def lose_carrier(self) -> None:
        """The call is over, whoever ended it."""
        if not self._carrier:
            return
        self._carrier, self._talk = False, Talk.COMMANDS
        self.connected_s += self._line.now_s() - self._began_s
        self._waiting.clear()
        self._say("NO CARRIER")

    # What the program types.

    def _read(self) -> None:
        try:
            data = os.read(self._master, _READ_BYTES)
        except OSError:  # No program holds the device; we hold the other side open, so it may come back.
            return
        if self._talk is Talk.DATA:
            self._take_data(data)
        else:
            self._take_command(data)

    def _take_command(self, data: bytes) -> None:
        for byte in data:
            if self._echo:
                self._write(bytes([byte]))
            if byte in b"\r\n":
                text = self._typed.decode("ascii", "replace").strip().upper()
                self._typed.clear()
                if text:
                    self._obey(text)
            elif len(self._typed) < COMMAND_BYTES_MAX:
                self._typed.append(byte)

    def _obey(self, text: str) -> None:
        command = text.removeprefix("AT")
        if command == text:
            self._say("ERROR")
        elif command.startswith("D"):
            self._dial()
        elif command == "A":
            self._answer()
        elif command == "O" and self._carrier:
            self._go_online()
        else:
            self._say("OK" if self._set(command) else "ERROR")

    def _set(self, command: str) -> bool:
        """Obey what is answered with OK; whether it is known."""
        if command.startswith("H"):
            self._hang_up()
        elif command == "Z":
            self._hang_up()
            self._echo, self._rings_to_answer = True, 0
        elif command.startswith("S0=") and command[3:].isdecimal():
            self._rings_to_answer = int(command[3:])
        elif command in ("E", "E0", "E1"):
            self._echo = command == "E1"
        else:  # What sets a modem up and changes nothing here.
            return command[:1] in _PASSED_OVER
        return True

    def _dial(self) -> None:
        other = self._other
        if self._carrier or other is None:
            self._say("ERROR")
        elif other._carrier:
            self._say("BUSY")
        elif not self._is_in_service():
            self._say("NO CARRIER")
        else:
            self._ringing = self._loop.create_task(other._ring(self))

    async def _ring(self, caller: Modem) -> None:
        """Ring here until the program answers, by itself or by ATA."""
        for ring in range(1, RINGS_MAX + 1):
            passage = caller._line.offer(PIECE_BYTES, _ignore)
            if passage.fate is Fate.ARRIVES:
                await asyncio.sleep(max(0.0, passage.arrives_s - self._line.now_s()))
                self._say("RING")
                if self._rings_to_answer and ring >= self._rings_to_answer:
                    self._answer()
            if self._carrier:
                return
            await asyncio.sleep(RING_EVERY_S)
        caller._say("NO ANSWER")

    def _answer(self) -> None:
        other = self._other
        is_called = other is not None and other._ringing is not None and not other._ringing.done()
        if other is None or not is_called or self._carrier or not self._is_in_service():
            self._say("NO CARRIER")
            return
        for modem in (self, other):
            modem._carrier, modem._began_s = True, modem._line.now_s()
            modem._go_online()

    def _go_online(self) -> None:
        self._talk = Talk.DATA
        self._last_data_s = self._line.now_s()
        self._say(f"CONNECT {self._rate_bit_s:.0f}")

    def _hang_up(self) -> None:
        if self._ringing is not None:
            self._ringing.cancel()
        if self._carrier and self._other is not None:
            self._other.lose_carrier()
            self._carrier, self._talk = False, Talk.COMMANDS
            self.connected_s += self._line.now_s() - self._began_s
            self._waiting.clear()

    # What the program sends to the other end.

    def _take_data(self, data: bytes) -> None:
        now_s = self._line.now_s()
        was_silent = now_s - self._last_data_s >= GUARD_S
        self._last_data_s = now_s
        if self._escaping is not None:
            self._escaping.cancel()
            self._escaping = None
            data = _ESCAPE + data  # It went on: what looked like an escape was data.
        if was_silent and data == _ESCAPE:
            self._escaping = self._loop.call_later(GUARD_S, self._escape)
            return
        self._waiting += data
        self._loop.remove_reader(self._master)  # Until these have left: the program feels the line's rate.
        self._sending = self._loop.create_task(self._send())

    def _escape(self) -> None:
        self._escaping, self._talk = None, Talk.COMMANDS
        self._say("OK")

    async def _send(self) -> None:
        while self._waiting and self._carrier:
            piece = bytes(self._waiting[:PIECE_BYTES])
            del self._waiting[:PIECE_BYTES]
            await self._line.wait_room(len(piece))
            self._line.offer(len(piece), partial(self._arrive, piece))
        self._loop.add_reader(self._master, self._read)

    def _arrive(self, piece: bytes) -> None:
        if self._other is not None and self._other._carrier:
            self._other._write(piece)

    # What the program reads.

    def _say(self, word: str) -> None:
        self._write(f"\r\n{word}\r\n".encode())

    def _write(self, data: bytes) -> None:
        # A program that does not read loses bytes, as on a port without flow control.
        with suppress(BlockingIOError):
            os.write(self._master, data)


class ModemPair:
    """Both modems of one emulated link, for as long as it is open. Needs no rights beyond a folder."""

    def __init__(self, profile: LinkProfile, *, site: Path, hub: Path, seed: int) -> None:
        """Makes the links `site` and `hub` to two devices. Raises `OSError`."""
        carriage = Carriage[Callable[[], None]](Start(Mode.RELAY, profile, seed))
        log, rtt_s = PacketLog(None), profile.rtt_ms / 1000.0
        up = TimedLine("up", carriage.up, rtt_s=rtt_s, log=log)
        down = TimedLine("down", carriage.down, rtt_s=rtt_s, log=log)
        self.counters = carriage.counters

        def is_up() -> bool:
            return carriage.up.model.is_up(up.now_s())

        self._is_up = is_up
        self.site = Modem(site, up, rate_bit_s=profile.up.rate_bit_s, is_in_service=is_up)
        try:
            self.hub = Modem(hub, down, rate_bit_s=profile.down.rate_bit_s, is_in_service=is_up)
        except OSError:
            self.site.close()
            raise
        self.site.join(self.hub)
        self.hub.join(self.site)

    async def run(self) -> None:
        """Drop calls when service goes; until cancelled."""
        while True:
            await asyncio.sleep(_WATCH_S)
            if not self._is_up():
                self.site.lose_carrier()
                self.hub.lose_carrier()

    def close(self) -> None:
        """Take both devices away."""
        self.site.close()
        self.hub.close()


def _ignore() -> None:
    """A call signal has arrived; who rang waits for its time itself."""
