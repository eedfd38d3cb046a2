"""The medics and specialists of a simulated world: what they do at their terminals, and see there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from protocol.header import Priority
from simulations.checkers.observations import CaseTaken, Observation, OrderEnded, OrderShown
from simulations.hosts.hub_host import SPECIALIST, HubHost
from simulations.hosts.pictures import take_usual_picture
from simulations.hosts.site import Site
from simulations.virtual.loop import virtual_loop

from .consult_schedule import Answer, MoreFindings, NewConsult, ReadPlan
from .disk_acts import AddPicture

ENDED: Final = frozenset({"done", "refused", "stopped"})
ARMED: Final = frozenset({"open", "confirmed"})
VITALS: Final = {"heart_rate_min": 104, "spo2_percent": 93, "systolic_mmhg": 128, "diastolic_mmhg": 77}
PATIENT: Final[dict[str, Any]] = {
    "patient_code": "P-1",
    "age_years": 40,
    "sex": "m",
    "no_known_allergies": True,
}

ClinicalAct = NewConsult | MoreFindings | ReadPlan | Answer | AddPicture


class People:
    """They remember which cases they opened and answered, whatever becomes of any disk."""

    def __init__(
        self,
        sites: Mapping[str, Site],
        hub: HubHost,
        *,
        disk_lives: Callable[[str], int],
        observe: Callable[[Observation], None],
        camera: Path,
    ) -> None:
        """`disk_lives`: how often a machine's disk was exchanged, which may undo what was done there;
        `camera`: where photographs lie."""
        self._sites = sites
        self._hub = hub
        self._disk_lives = disk_lives
        self._observe = observe
        self._camera = camera
        self._cases: dict[str, list[str]] = {}
        self._answered: str | None = None
        self._ends: dict[str, list[bytes]] = {}
        """Which orders each second word stops."""
        self._waiting_since_s: dict[str, float] = {}
        self._unseen_until_s: dict[str, float] = {}
        """When somebody last looked at the worklist and did not find the case."""
        self._looked_s = 0.0
        self._hub_disk_life = 0

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
            case AddPicture(site, seed):
                if cases := self._cases.get(site):
                    path = str(take_usual_picture(self._camera, seed))
                    await self._sites[site].ask("photo_add", case=cases[-1], path=path, caption="as seen")
                    await self._sites[site].ask("send", case=cases[-1], accept_missing=True)
            case Answer():
                await self._answer(act)

    def know_copy(self, name: str, copied_as: str) -> None:
        """There is a second machine at which the same cases stand."""
        self._cases[copied_as] = list(self._cases.get(name, []))

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
            place = f"{site}, life {self._disk_lives(site)} of its disk"
            self._tell_ended(place, case, [str(reply["reply"]) for reply in plan["replies"]])
            self._tell_orders(place, case, orders)
            ready = [order for order in orders if order["status"] == "open"]
            if ready:
                await self._sites[site].ask(
                    "order_done", case=case, order=ready[0]["number"], reply=ready[0]["reply"]
                )

    def _tell_ended(self, place: str, case: str, replies: list[str]) -> None:
        """Who has a second word knows which orders it stops, in whatever order the two came."""
        at_s, case_id = virtual_loop().time(), bytes.fromhex(case)
        for order in (order for reply in replies for order in self._ends.get(reply, ())):
            self._observe(OrderEnded(at_s=at_s, place=place, case=case_id, order=order))

    def _tell_orders(self, place: str, case: str, orders: list[dict[str, Any]]) -> None:
        at_s, case_id = virtual_loop().time(), bytes.fromhex(case)
        for order in orders:
            key = _key(order)
            is_armed = order["status"] in ARMED
            self._observe(OrderShown(at_s=at_s, place=place, case=case_id, order=key, is_armed=is_armed))
            if order["status"] in ENDED:
                self._observe(OrderEnded(at_s=at_s, place=place, case=case_id, order=key))

    async def _answer(self, act: Answer) -> None:
        case = self._answered if act.is_second_word else await self._take_first()
        if case is None:
            return
        self._answered = case
        stopped = await self._armed_orders(case) if act.is_second_word else []
        reply = {
            "prior": [
                {"reply": order["reply"], "order": order["number"], "disposition": "stop"}
                for order in stopped
            ],
            "assessment": "As discussed before." if act.is_second_word else "Most likely harmless.",
            "orders": [
                {"name": f"Act {number}", "details": "as needed"} for number in range(1, act.orders + 1)
            ],
            "valid_for_min": 360,
        }
        # Whatever makes it wait again has only begun; should the hub die now, nobody knows whether it has.
        self._waiting_since_s.pop(case, None)
        sent = await self._hub.ask("reply", case=case, by=SPECIALIST, reply=reply)
        self._ends[sent["record"]] = [_key(order) for order in stopped]
        self._unseen_until_s.pop(case, None)

    async def _armed_orders(self, case: str) -> list[dict[str, Any]]:
        """As the hub knows them."""
        shown = await self._hub.ask("case_show", case=case)
        orders = [order for reply in shown["replies"] for order in reply["orders"]]
        return [order for order in orders if order["status"] in ARMED]

    async def _take_first(self) -> str | None:
        """The case on top of the worklist, None when nobody waits."""
        rows = [row for row in await self._hub.ask("queue") if row["needs_answer"]]
        if not rows:
            self._look([])
            return None
        self._look([row["case"] for row in rows])
        waiting = tuple(
            (bytes.fromhex(row["case"]), Priority(row["urgency"]), self._waiting_since_s[row["case"]])
            for row in rows
        )
        taken, priority, _ = waiting[0]
        self._observe(
            CaseTaken(
                at_s=virtual_loop().time(),
                place=self._hub.name,
                case=taken,
                priority=priority,
                since_s=self._unseen_until_s[taken.hex()],
                waiting=waiting,
            )
        )
        return taken.hex()

    def _look(self, cases: list[str]) -> None:
        """Remember since when each waits: it came between the last look and this one."""
        now_s, known, unseen = virtual_loop().time(), self._waiting_since_s, self._unseen_until_s
        if self._disk_lives(self._hub.name) != self._hub_disk_life:
            # What was answered may wait again, since before anybody here remembers.
            self._hub_disk_life = self._disk_lives(self._hub.name)
            known, unseen, self._looked_s = {}, dict.fromkeys(cases, 0.0), 0.0
        self._waiting_since_s = {case: known.get(case, now_s) for case in cases}
        self._unseen_until_s = {case: unseen.get(case, self._looked_s) for case in cases}
        self._looked_s = now_s


def _key(order: dict[str, Any]) -> bytes:
    return bytes.fromhex(order["reply"]) + bytes([order["number"]])
