"""The people at one site: they open and follow up the cases of its mix, read replies and carry them out.

They act by the calls that their terminal makes, one at a time, and know only what it shows them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from protocol.header import Priority
from simulations.checkers.observations import OrderEnded, OrderShown
from simulations.fleet.consulting import (
    MISSED_SHARE,
    ONLY_ENTERED_LATE_SHARE,
    RECHECK_S,
    SEEN_AFTER_S,
    SEEN_SIGMA,
)
from simulations.fleet.goods import Story
from simulations.hosts.pictures import layer_bytes, take_picture
from simulations.hosts.site import Site
from simulations.report import AlarmRow
from simulations.seeded.people import ARMED, ENDED
from simulations.virtual.loop import virtual_loop
from simulations.virtual.trace import Field
from simulations.workload import Consult, FollowUp

from .doings import Doings
from .moments import RunTime
from .screen import RECHECK_CAUSE, Screen
from .stories import Stories, as_opened
from .texts import text_of
from .yard import Yard

NAME: Final = "medic"
ASKS_SHARE: Final = 0.2
"""Of follow-ups: so many ask or tell something new, and the case waits for another reply."""
NOTE_BYTES: Final = 175
"""Of a sealed entry with a note of one letter."""
NOTE_IN_TEXT_BYTES: Final = 79
"""What a note of one letter adds to the sealed text of a case."""
AHEAD_S: Final = 300.0
"""So long before a recheck is due somebody takes the readings."""
HEARD_AFTER_S: Final = 90.0
"""Until somebody answers an alarm, the median."""
CLOSED_AFTER_S: Final = 86_400.0
"""A case whose reply asks for rechecks is closed so long after it, or after its last follow-up."""
COMPLAINT_LETTERS_MAX: Final = 60
QUESTION: Final = "What should be done?"


class Medic:
    """Everybody who uses the terminal of one site."""

    def __init__(
        self,
        site: Site,
        number: int,
        *,
        time: RunTime,
        stories: Stories,
        seed: int,
        doings: Doings,
        yard: Yard,
    ) -> None:
        self.screen = Screen(self)
        self._site = site
        self._number = number
        self._time = time
        self._stories = stories
        self._doings = doings
        self._yard = yard
        self._draw = random.Random(f"medic/{number}/{seed}")
        self._key = f"{number}/{seed}"
        self._turn = asyncio.Lock()
        self._awaited: set[str] = set()
        """Cases of which a reply may come."""
        self._read: set[str] = set()
        """Replies that somebody has noticed."""
        self._rung: set[int] = set()
        self._rechecked: set[str] = set()

    def plan(self, consults: Iterable[Consult]) -> None:
        """All that will happen at this site by itself."""
        for consult in consults:
            self._later(consult.opened_s, self._open(consult))

    # What the terminal tells.

    def case_changed(self, case: str) -> None:
        if case in self._awaited:
            self._later(self._time.now_s(), self._look(case))

    def alarm_rang(self, alarm: int, cause: str) -> None:
        if alarm in self._rung:
            return
        self._rung.add(alarm)
        needs_action = cause != RECHECK_CAUSE or self._draw.random() >= ONLY_ENTERED_LATE_SHARE
        self._yard.alarm(
            AlarmRow(at_s=self._time.now_s(), site=self._number, cause=cause, needs_action=needs_action)
        )
        heard_s = self._time.now_s() + HEARD_AFTER_S * self._draw.lognormvariate(0.0, SEEN_SIGMA)
        self._later(heard_s, self._acknowledge(alarm))

    # What they do.

    async def _open(self, consult: Consult) -> None:
        async with self._turn:
            case = await self._new_case(consult)
            await self._ask("vitals_add", case=case, sets=[_vitals(consult)])
            for number, sizes in enumerate(zip(consult.previews_bytes, consult.photos_bytes, strict=True)):
                await self._photograph(case, number, sizes)
            await self._write_up(case, consult)
            story = self._stories.open(self._number, consult, case)
            self._awaited.add(case)
            await self._ask("send", case=case, accept_missing=True)
        self._note("case sent", case=case, number=story.case)
        for follow_up in consult.follow_ups:
            self._later(consult.opened_s + follow_up.after_s, self._follow_up(case, consult, follow_up))

    async def _new_case(self, consult: Consult) -> str:
        opened = await self._ask(
            "case_new",
            template="general",
            urgency=as_opened(consult.priority).name.lower(),
            complaint=consult.complaint[:COMPLAINT_LETTERS_MAX],
            question=QUESTION,
            patient_code=f"P-{self._number}-{len(self._stories.opened)}",
            age_years=self._draw.randint(18, 80),
            sex=self._draw.choice("mf"),
            weight_kg=self._draw.randint(50, 110),
            no_known_allergies=True,
        )
        return str(opened["case"])

    async def _photograph(self, case: str, number: int, sizes: tuple[int, int]) -> None:
        preview_bytes, standard_bytes = sizes
        path = self._site.machine.folder / "camera"
        seed = f"{case}/{number}/{self._key}"
        take_picture(
            path,
            preview_bytes=layer_bytes(preview_bytes),
            standard_bytes=layer_bytes(standard_bytes),
            seed=seed,
        )
        await self._ask("photo_add", case=case, path=str(path), caption=f"picture {number + 1}")

    async def _write_up(self, case: str, consult: Consult) -> None:
        """A note that makes the text of the case as long as the mix says, where it is not yet."""
        foreseen = await self._ask("price", case=case)
        text_bytes = sum(each["size_bytes"] for each in foreseen["bundles"] if each["what"][:4] == "text")
        lacking_bytes = consult.text_bytes - text_bytes - NOTE_IN_TEXT_BYTES
        if lacking_bytes > 0:
            await self._ask("note_add", case=case, text=text_of(lacking_bytes, self._draw))

    async def _follow_up(self, case: str, consult: Consult, follow_up: FollowUp) -> None:
        asks = self._draw.random() < ASKS_SHARE
        async with self._turn:
            if asks:
                self._awaited.add(case)
                text = text_of(follow_up.size_bytes - NOTE_BYTES, self._draw)
                await self._ask("note_add", case=case, text=text)
            else:
                await self._ask("vitals_add", case=case, sets=[_vitals(consult)])

    async def _look(self, case: str) -> None:
        """Whether a reply has come that nobody has noticed."""
        async with self._turn:
            plan = await self._ask("plan", case=case)
        for reply in plan["replies"]:
            if not reply["provisional"] and reply["reply"] not in self._read:
                self._read.add(reply["reply"])
                self._awaited.discard(case)
                after_s = SEEN_AFTER_S * self._draw.lognormvariate(0.0, SEEN_SIGMA)
                self._later(self._time.now_s() + after_s, self._read_reply(case))

    async def _read_reply(self, case: str) -> None:
        story = self._stories.of(case)
        async with self._turn:
            plan = await self._ask("plan", case=case, seen=True)
            if story is not None and story.seen_s is None:
                story.seen_s = self._time.now_s()
            orders = [order for reply in plan["replies"] for order in reply["orders"]]
            self._tell_orders(case, orders)
            for order in (order for order in orders if order["status"] == "open"):
                await self._ask("order_done", case=case, order=order["number"], reply=order["reply"])
                self._tell_ended(case, order)
        self._note("reply read", case=case)
        wants_rechecks = any(reply["recheck_every_min"] for reply in plan["replies"])
        if story is not None and wants_rechecks and case not in self._rechecked:
            self._rechecked.add(case)
            self._later(self._time.now_s(), self._recheck(case, story))

    async def _recheck(self, case: str, story: Story) -> None:
        """Readings every so often until the case is closed."""
        last_s = max((each.after_s for each in story.consult.follow_ups), default=0.0)
        closed_s = max(self._time.now_s() + CLOSED_AFTER_S, story.consult.opened_s + last_s + AHEAD_S)
        while self._time.now_s() + RECHECK_S < closed_s:
            await asyncio.sleep(RECHECK_S - AHEAD_S)
            if self._draw.random() < MISSED_SHARE:
                await asyncio.sleep(AHEAD_S + HEARD_AFTER_S * self._draw.lognormvariate(0.0, SEEN_SIGMA))
            async with self._turn:
                await self._ask("vitals_add", case=case, sets=[_vitals(story.consult)])
        await self._time.wait_s(closed_s)
        async with self._turn:
            await self._ask("case_close", case=case, outcome="better")
        self._awaited.discard(case)

    async def _acknowledge(self, alarm: int) -> None:
        async with self._turn:
            await self._ask("alarm_ack", alarm=alarm, by=NAME)

    # Small things.

    def _later(self, at_s: float, act: Coroutine[Any, Any, None]) -> None:
        self._doings.later(at_s, act)

    async def _ask(self, method: str, **values: Any) -> Any:
        return await self._site.ask(method, **values)

    def _tell_orders(self, case: str, orders: list[dict[str, Any]]) -> None:
        at_s, case_id, place = virtual_loop().time(), bytes.fromhex(case), self._site.name
        for order in orders:
            is_armed = order["status"] in ARMED
            self._yard.observe(
                OrderShown(at_s=at_s, place=place, case=case_id, order=_key(order), is_armed=is_armed)
            )
            if order["status"] in ENDED:
                self._tell_ended(case, order)

    def _tell_ended(self, case: str, order: dict[str, Any]) -> None:
        at_s, case_id, place = virtual_loop().time(), bytes.fromhex(case), self._site.name
        self._yard.observe(OrderEnded(at_s=at_s, place=place, case=case_id, order=_key(order)))

    def _note(self, what: str, **fields: Field) -> None:
        self._yard.note(self._site.name, what, **fields)


def _key(order: dict[str, Any]) -> bytes:
    return bytes.fromhex(order["reply"]) + bytes([order["number"]])


def _vitals(consult: Consult) -> dict[str, object]:
    """All that the score asks for: readings of which some were missing would be news each time."""
    heart_rate_min, spo2_percent = _STATES[as_opened(consult.priority)]
    return {
        "heart_rate_min": heart_rate_min,
        "respiratory_rate_min": 16,
        "spo2_percent": spo2_percent,
        "on_oxygen": False,
        "systolic_mmhg": 128,
        "diastolic_mmhg": 77,
        "temperature_c": "36.8",
        "consciousness": "A",
    }


_STATES: Final = {Priority.EMERGENCY: (118, 92), Priority.URGENT: (104, 94), Priority.ROUTINE: (78, 97)}
