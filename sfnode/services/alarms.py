"""Alarms: raised whether anybody is there or not, sounded until somebody takes care of them.

Law: every alarm lies in the spool in neutral words, so that a locked vault neither silences nor hides it; and
an alarm that cannot be heard is an alarm itself.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import Final

from sfnode.domain.moments import Moment
from sfnode.errors import NotFound, VaultLocked
from sfnode.spool.alarms import NeutralAlarm, NeutralAlarms, Timer
from sfnode.views import AlarmView
from sync.stores.errors import StoreClosed

from .alarm_sound import AlarmSound, SoundFailed
from .casebook import CaseBook
from .clock import SiteClock, moment_of
from .happenings import Recheck
from .vault_access import VaultAccess

RING_AGAIN_S: Final = 60.0
"""What nobody has acknowledged sounds again: the first ring may have met an empty room."""
LOOK_AGAIN_S: Final = 15 * 60.0
"""Timers say when to look, and whoever changes a case or a clock: this is for what all of them overlooked."""
STATION_NUMBERS_FROM: Final = 100_000
"""Alarms of the station itself are numbered from here, those of cases from 1: one command serves both."""
_OF_CASE: Final = "case:"
_RECHECK: Final = "recheck:"
_UNHEARD: Final = "unheard"
_LOCKED_TEXT: Final = "An alarm in a case is waiting. Unlock to read it."
_NO_SOUND: Final = "no terminal is open and no alarm_command is set in site.toml."


class Alarms:
    """Every alarm of the node: those of cases, of missed rechecks, and of the station itself."""

    def __init__(
        self,
        vault: VaultAccess,
        neutral: NeutralAlarms,
        *,
        sound: AlarmSound,
        clock: SiteClock,
        tell: Callable[[AlarmView], bool],
    ) -> None:
        """`tell` shows an alarm to every client that listens; False when none does."""
        self._vault = vault
        self._neutral = neutral
        self._sound = sound
        self._clock = clock
        self._tell = tell
        self._changed = asyncio.Event()
        self._raised: list[AlarmView] = []
        self._timers_set: dict[str, int] = {}
        self._ring_again_at_s = math.inf

    def case_alarm_raised(self, alarm: AlarmView) -> None:
        """The casebook has raised one, durably."""
        self._raised.append(alarm)
        self._changed.set()

    def wake(self) -> None:
        """Vitals, a reply, the state of the vault or a step of the clocks may have moved what is due."""
        self._changed.set()

    async def run(self) -> None:
        """Raise and ring until cancelled."""
        await self._test_sound()
        # An earlier life may have left some that nobody has acknowledged.
        self._ring_again_at_s = self._clock.monotonic_s() + RING_AGAIN_S
        while True:
            self._changed.clear()
            next_due_s = await self._look_at_rechecks()
            await self._ring_raised()
            if self._clock.monotonic_s() >= self._ring_again_at_s:
                await self._ring_again()
            ring_again_s = self._ring_again_at_s - self._clock.monotonic_s()
            await self._wait_changed(min(next_due_s, ring_again_s, LOOK_AGAIN_S))

    async def views(self) -> tuple[AlarmView, ...]:
        """What nobody has acknowledged: in full when the vault is open, else in neutral words."""
        neutral = [alarm for alarm in await self._neutral.open_alarms() if alarm.acknowledged_by is None]
        if not self._vault.unlocked:
            return tuple(_view(alarm) for alarm in neutral)
        of_cases = await self._vault.casebook.alarms()
        return (*of_cases, *(_view(alarm) for alarm in neutral if not _told_by_casebook(alarm)))

    async def acknowledge(self, alarm: int, *, by: str) -> AlarmView:
        """The first name stays. `NotFound` for an unknown number."""
        if alarm < STATION_NUMBERS_FROM:
            view = await self._vault.casebook.acknowledge_alarm(alarm, by=by)
            await self._neutral.close([f"{_OF_CASE}{alarm}"])
            return view
        known = await self._neutral.acknowledge(alarm - STATION_NUMBERS_FROM, by=by)
        if known is None:
            raise NotFound(f"There is no open alarm {alarm}. `sfnode alarm list` shows those there are.")
        if not _told_by_casebook(known):
            # Should it happen again, it is told again.
            await self._neutral.close([known.key])
        return _view(known)

    async def raise_for_station(self, key: str, text: str, *, severity: str = "warning") -> None:
        """Something of the station itself that a person must look at; rings once until it is acknowledged."""
        now_s = int(self._clock.wall_s())
        raised = await self._neutral.raise_alarm(f"station:{key}", severity=severity, text=text, now_s=now_s)
        if raised is not None:
            await self._ring(_view(raised), text)

    async def take_over_from_neutral(self) -> None:
        """The vault was opened: the casebook learns what was acknowledged meanwhile and tells from now on."""
        casebook = self._vault.casebook
        ringing = {view.alarm for view in await casebook.alarms()}
        for alarm in await self._neutral.open_alarms():
            number = int(alarm.key.removeprefix(_OF_CASE)) if alarm.key.startswith(_OF_CASE) else None
            if number is not None and number not in ringing:
                # Taken there already, or gone with an erased case.
                await self._neutral.close([alarm.key])
            elif number is not None and alarm.acknowledged_by is not None:
                await casebook.acknowledge_alarm(number, by=alarm.acknowledged_by)
                await self._neutral.close([alarm.key])
            elif alarm.key.startswith(_RECHECK):
                await self._neutral.close([alarm.key])
        for view in await casebook.alarms():
            await self._keep_neutral(view)
        self._timers_set.clear()
        self.wake()

    async def _look_at_rechecks(self) -> float:
        """Raise what is due; seconds until something else may be."""
        try:
            return await self._look_in_casebook(self._vault.casebook)
        except (VaultLocked, StoreClosed):
            return await self._look_at_timers()

    async def _look_in_casebook(self, casebook: CaseBook) -> float:
        # Each one it raises comes back through `case_alarm_raised`, like every alarm of a case.
        outlook = await casebook.look_at_alarms()
        ahead = _timers(outlook.rechecks, moment_of(self._clock)) if outlook.rechecks else []
        due_at = {timer.key: round(timer.set_at.monotonic_s + timer.due_in_s) for timer in ahead}
        if due_at != self._timers_set:
            await self._neutral.set_timers(_RECHECK, ahead)
            self._timers_set = due_at
        return outlook.next_in_s

    async def _look_at_timers(self) -> float:
        now = moment_of(self._clock)
        next_due_s = math.inf
        for timer in await self._neutral.timers():
            left_s = timer.left_s(now)
            if left_s is not None and left_s > 0:
                next_due_s = min(next_due_s, left_s)
                continue
            # Also when the clocks cannot tell: asking too early harms less than not asking.
            raised = await self._neutral.raise_alarm(
                timer.key, severity=timer.severity, text=timer.text, now_s=now.wall_s
            )
            await self._neutral.drop_timer(timer.key)
            if raised is not None:
                await self._ring(_view(raised), raised.text)
        return next_due_s

    async def keep(self, alarms: Iterable[AlarmView]) -> None:
        """Make these alarms of cases durable in neutral words, before their cause is acknowledged."""
        for alarm in alarms:
            await self._keep_neutral(alarm)

    async def _ring_raised(self) -> None:
        while self._raised:
            alarm = self._raised.pop(0)
            await self._keep_neutral(alarm)
            await self._ring(alarm, _LOCKED_TEXT)

    async def _keep_neutral(self, alarm: AlarmView) -> None:
        self._expect_somebody()
        await self._neutral.raise_alarm(
            f"{_OF_CASE}{alarm.alarm}", severity=alarm.severity, text=_LOCKED_TEXT, now_s=alarm.since_s
        )

    def _expect_somebody(self) -> None:
        """Something rings from now on until it is acknowledged."""
        if math.isinf(self._ring_again_at_s):
            self._ring_again_at_s = self._clock.monotonic_s() + RING_AGAIN_S
            self.wake()

    async def _ring_again(self) -> None:
        self._ring_again_at_s = self._clock.monotonic_s() + RING_AGAIN_S
        try:
            waiting = await self.views()
        except (VaultLocked, StoreClosed):
            return
        if not waiting:
            self._ring_again_at_s = math.inf
        for alarm in waiting:
            self._tell(alarm)
        if waiting and self._sound.configured:
            await self._sound_or_say_so(f"{len(waiting)} alarms are waiting.")

    async def _ring(self, alarm: AlarmView, neutral_text: str) -> None:
        self._expect_somebody()
        heard = self._tell(alarm)
        if self._sound.configured:
            await self._sound_or_say_so(neutral_text)
        elif not heard:
            await self._say_unheard(_NO_SOUND)

    async def _test_sound(self) -> None:
        """At the start, so that a dumb siren is found before it is needed."""
        if self._sound.configured:
            await self._sound_or_say_so("Test of the alarm sound.")

    async def _sound_or_say_so(self, text: str) -> None:
        try:
            await self._sound.ring(text)
        except SoundFailed as failed:
            await self._say_unheard(str(failed))

    async def _say_unheard(self, reason: str) -> None:
        self._expect_somebody()
        raised = await self._neutral.raise_alarm(
            _UNHEARD,
            severity="warning",
            text=f"An alarm may not have been heard: {reason} Keep an eye on the list of alarms.",
            now_s=int(self._clock.wall_s()),
        )
        if raised is not None:
            self._tell(_view(raised))

    async def _wait_changed(self, timeout_s: float) -> None:
        # A timer of our own: `asyncio.timeout` costs three times as much, and this waits all day.
        due = asyncio.get_running_loop().call_later(max(0.0, timeout_s), self._changed.set)
        try:
            await self._changed.wait()
        finally:
            due.cancel()


def _timers(rechecks: Iterable[Recheck], now: Moment) -> list[Timer]:
    """Of those that are to come."""
    return [
        Timer(
            key=f"{_RECHECK}{each.case_id.hex()}:{each.reply.hex()}",
            severity="warning",
            text=each.neutral_text,
            set_at=now,
            due_in_s=each.due_in_s,
        )
        for each in rechecks
        if each.due_in_s is not None and each.due_in_s > 0
    ]


def _told_by_casebook(alarm: NeutralAlarm) -> bool:
    return alarm.key.startswith((_OF_CASE, _RECHECK))


def _view(alarm: NeutralAlarm) -> AlarmView:
    return AlarmView(
        alarm=STATION_NUMBERS_FROM + alarm.alarm,
        case=None,
        severity=alarm.severity,
        text=alarm.text,
        since_s=alarm.since_s,
        acknowledged_by=alarm.acknowledged_by,
    )
