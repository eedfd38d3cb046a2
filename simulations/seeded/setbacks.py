"""Schedules that are all restores: of either place, to backups of any age, with every talk between them cut
at a step drawn from the seed, so that a promise noted too late or too early has a chance to show."""

from __future__ import annotations

import random
from typing import Final

from protocol.header import Priority
from simulations.hosts.life import Side
from simulations.links import DirectionProfile, LinkProfile
from simulations.virtual.wire import Mischief

from .schedule import HUB, NODE, Act, Add, BackUp, Crash, CrashOn, Meet, Prune, Restore, Schedule

ROUNDS: Final = (2, 4)
SIZES: Final = (1, 60, 300, 1_400)
STEPS_MAX: Final = 22
"""Durable steps of a place in a contact in which it finds out that it was restored."""
WORDS_MAX: Final = 700
"""Bytes of a stream until both have said what they ask back and promise."""
ON_FILES_EVERY: Final = 4
CALLS_OF_THE_RESTORED: Final = {"renew_incarnation": 6, "note_foreign": 1, "mark_promised": 1, "reseal": 1}
CALLS_OF_THE_OTHER: Final = {"note_return": 6, "mark_returned": 1, "mark_lost": 1, "mark_safe": 1, "add": 1}
"""Where a place may die, and how often: at each thing that it must know for ever once it has said so. Between
the first of both lists nothing but a note tells that something is to be asked back."""


def draw_setbacks(seed: int) -> Schedule:
    """The same for the same seed, whatever ran before."""
    return _Draw(seed).schedule()


class _Draw:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(f"setbacks/{seed}")
        self._labels = 0
        self._saved = {HUB: 0, NODE: 0}

    def schedule(self) -> Schedule:
        profile, mischief = self._profile(), self._mischief()
        acts: list[Act] = [*self._adds(1, 2), self._quiet_meeting()]
        acts += [self._back_up(place) for place in (NODE, HUB)]
        for _ in range(self._random.randint(*ROUNDS)):
            acts += self._round()
        return Schedule(
            seed=self._seed,
            profile=profile,
            mischief=mischief,
            acts=tuple(acts),
            recovers=True,
            on_files=self._seed % ON_FILES_EVERY == 0,
        )

    def _round(self) -> list[Act]:
        """Something new arrives, somebody backs up or prunes, somebody goes back, once or twice."""
        draw = self._random
        acts: list[Act] = [*self._adds(1, 4), self._quiet_meeting()]
        if draw.random() < 0.5:
            acts.append(self._back_up(self._place()))
        if draw.random() < 0.5:
            # So that what the backup made safe is heard, and what is safe is dropped.
            acts += [self._quiet_meeting(), Prune(self._place())]
        for _ in range(draw.choice((1, 1, 2, 3))):
            place = self._place()
            acts.append(Restore(place, draw.randrange(self._saved[place])))
            if draw.random() < 0.85:
                acts += self._adds(1, 3, place=place)
            acts.append(self._cut_meeting(place))
        return acts

    def _back_up(self, place: str) -> BackUp:
        self._saved[place] += 1
        return BackUp(place)

    def _place(self) -> str:
        return self._random.choice((HUB, NODE))

    def _adds(self, least: int, most: int, *, place: str | None = None) -> list[Add]:
        return [self._add(place or self._place()) for _ in range(self._random.randint(least, most))]

    def _add(self, place: str) -> Add:
        self._labels += 1
        priority = Priority(self._random.choices(range(4), weights=(1, 3, 4, 2))[0])
        return Add(place, f"bundle {self._labels}", self._random.choice(SIZES), priority)

    def _quiet_meeting(self) -> Meet:
        return Meet(node=NODE, datagrams=self._random.random() < 0.5)

    def _cut_meeting(self, restored: str) -> Meet:
        """The crash, the cut or the outage comes early: while both find out, ask and promise."""
        draw = self._random
        trouble = draw.random()
        side = draw.choice((Side.BEFORE, Side.AFTER))
        if trouble < 0.55:
            place = self._place()
            calls = CALLS_OF_THE_RESTORED if place == restored else CALLS_OF_THE_OTHER
            call = draw.choices(list(calls), weights=list(calls.values()))[0]
            return Meet(node=NODE, datagrams=draw.random() < 0.5, crash=CrashOn(place, call, side))
        if trouble < 0.65:
            crash = Crash(self._place(), draw.randint(1, STEPS_MAX), side)
            return Meet(node=NODE, datagrams=draw.random() < 0.5, crash=crash)
        if trouble < 0.8:
            cuts = draw.choice(((draw.randrange(WORDS_MAX), None), (None, draw.randrange(WORDS_MAX))))
            return Meet(node=NODE, datagrams=False, cuts=cuts)
        starts_s = draw.uniform(0.0, 3.0)
        return Meet(node=NODE, datagrams=draw.random() < 0.5, outage=(starts_s, starts_s + 300.0))

    def _profile(self) -> LinkProfile:
        loss = self._random.choice((0.0, 0.0, 0.1))
        direction = DirectionProfile(
            rate_bit_s=self._random.choice((9_600.0, 64_000.0)),
            delay_ms=self._random.choice((20.0, 600.0)),
            queue_bytes=8_000,
            loss=loss,
        )
        return LinkProfile(
            name="drawn",
            title="a link drawn from a seed",
            source="drawn",
            up=direction,
            down=direction,
            mtu_bytes=1_500,
        )

    def _mischief(self) -> Mischief:
        share = self._random.choice((0.0, 0.05))
        return Mischief(duplicates=share, replays=share, overtakes=share, flips=share / 3)
