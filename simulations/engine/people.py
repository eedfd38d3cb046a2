"""The medics and specialists of a simulated world: what they do at their terminals, and see there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from protocol.header import Priority
from simulations.checkers.observations import CaseTaken, Observation, OrderEnded, OrderShown

from .consult_schedule import Answer, MoreFindings, NewConsult, ReadPlan
from .hub_host import SPECIALIST, HubHost
from .loop import virtual_loop
from .site import Site

ENDED: Final = frozenset({"done", "refused", "stopped"})
ARMED: Final = frozenset({"open", "confirmed"})
VITALS: Final = {"heart_rate_min": 104, "spo2_percent": 93, "systolic_mmhg": 128, "diastolic_mmhg": 77}
PATIENT: Final[dict[str, Any]] = {"patient_code": "P-1", "age_years": 40, "no_known_allergies": True}

ClinicalAct = NewConsult | MoreFindings | ReadPlan | Answer


class People:
    """They remember which cases they opened and answered, whatever becomes of any disk."""

    def __init__(
        self,
        sites: Mapping[str, Site],
        hub: HubHost,
        *,
        disk_lives: Callable[[str], int],
        observe: Callable[[Observation], None],
    ) -> None:
        """`disk_lives`: how often a site's disk went back to a backup, which may undo what was done there."""
        self._sites = sites
        self._hub = hub
        self._disk_lives = disk_lives
        self._observe = observe
        self._cases: dict[str, list[str]] = {}
        self._answered: str | None = None
        self._waiting_since_s: dict[str, float] = {}

    async def act(self, act: ClinicalAct) -> None:
        """One thing that one of them does. Raises what the terminal says instead of doing it."""
        match act:
            case NewConsult():
                await self._new_consult(act)
            case MoreFindings(site, words):
                if cases := self._cases.get(site):
                    await self._sites[site].ask("vitals_add", case=cases[-1], sets=[VITALS])
                    await self._sites[site].ask("note_add", case=cases[-1], text=words)
            case ReadPlan(site):
                await self._read_plans(site)
            case Answer():
                await self._answer(act)

    async def _new_consult(self, act: NewConsult) -> None:
        site = self._sites[act.site]
        opened = await site.ask(
            "case_new",
            template="general",
            urgency=act.urgency,
            complaint="as told",
            question="What now?",
            note=act.words,
            **PATIENT,
        )
        case = str(opened["case"])
        self._cases.setdefault(act.site, []).append(case)
        await site.ask("vitals_add", case=case, sets=[VITALS])
        await site.ask("send", case=case, accept_missing=True)

    async def _read_plans(self, site: str) -> None:
        for case in self._cases.get(site, []):
            plan = await self._sites[site].ask("plan", case=case, seen=True)
            orders = [order for reply in plan["replies"] for order in reply["orders"]]
            self._tell_orders(f"{site}, life {self._disk_lives(site)} of its disk", case, orders)
            ready = [order for order in orders if order["status"] == "open"]
            if ready:
                await self._sites[site].ask(
                    "order_done", case=case, order=ready[0]["number"], reply=ready[0]["reply"]
                )

    def _tell_orders(self, place: str, case: str, orders: list[dict[str, Any]]) -> None:
        at_s, case_id = virtual_loop().time(), bytes.fromhex(case)
        for order in orders:
            key = bytes.fromhex(order["reply"]) + bytes([order["number"]])
            is_armed = order["status"] in ARMED
            self._observe(OrderShown(at_s=at_s, place=place, case=case_id, order=key, is_armed=is_armed))
            if order["status"] in ENDED:
                self._observe(OrderEnded(at_s=at_s, place=place, case=case_id, order=key))

    async def _answer(self, act: Answer) -> None:
        case = self._answered if act.is_second_word else await self._take_first()
        if case is None:
            return
        self._answered = case
        reply = {
            "assessment": "As discussed before." if act.is_second_word else "Most likely harmless.",
            "orders": [
                {"name": f"Act {number}", "details": "as needed"} for number in range(1, act.orders + 1)
            ],
            "valid_for_min": 360,
        }
        await self._hub.ask("reply", case=case, by=SPECIALIST, reply=reply)
        # Whatever makes it wait again has only begun.
        self._waiting_since_s.pop(case, None)

    async def _take_first(self) -> str | None:
        """The case on top of the worklist, None when nobody waits."""
        rows = [row for row in await self._hub.ask("queue") if row["needs_answer"]]
        now_s = virtual_loop().time()
        known = self._waiting_since_s
        self._waiting_since_s = {row["case"]: known.get(row["case"], now_s) for row in rows}
        waiting = tuple(
            (bytes.fromhex(row["case"]), Priority(row["urgency"]), self._waiting_since_s[row["case"]])
            for row in rows
        )
        if not waiting:
            return None
        taken, priority, _ = waiting[0]
        self._observe(
            CaseTaken(at_s=now_s, place=self._hub.name, case=taken, priority=priority, waiting=waiting)
        )
        return taken.hex()
