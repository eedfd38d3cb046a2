"""A daemon that tells a story: the real local socket, views from `story`, a list of what it was asked to do.

What a medic enters goes through the node's own intake, so that a wrong parameter is refused here as there.

`python -m tests.tui.fake_daemon FOLDER [--locked] [--cases N]` serves it alone, to look at screens by hand.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sfnode.domain import intake
from sfnode.errors import NodeError
from sfnode.views import AlarmView, CaseRow, CaseView, StatusView, TransferView, to_primitive
from sync.local_socket import CallFailed, Fault, LocalServer
from tests.tui import story

PASSPHRASE = b"six quiet words"


class FakeDaemon:
    """What a client sees of a site; each call changes it as the real daemon would, only simpler."""

    def __init__(self, path: Path) -> None:
        self.status: StatusView = story.status()
        self.cases: dict[str, CaseView] = {
            view.row.case: view for view in (story.chest(), story.burn(), story.rash())
        }
        self.extra_rows: tuple[CaseRow, ...] = ()
        self.alarm_list: list[AlarmView] = []
        self.transfer_list: list[TransferView] = list(story.transfers())
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.refusals: dict[str, str] = {}
        """Method to the sentence that it is refused with."""
        self.answers_instead: dict[str, object] = {}
        """Method to an answer that no view fits."""
        self.gates: dict[str, asyncio.Event] = {}
        """Method to what its answer waits for."""
        self._server = LocalServer(path, self._handle, self._describe)
        self._server.bind()

    async def serve(self) -> None:
        await self._server.serve()

    @property
    def is_watched(self) -> bool:
        """Whether somebody would hear an event."""
        return self._server.has_subscribers

    def publish(self, topic: str, data: object) -> None:
        self._server.publish(topic, data)

    def raise_alarm(self, alarm: AlarmView) -> None:
        self.alarm_list.append(alarm)
        self.status = replace(self.status, alarms=len(self.alarm_list))
        self.publish("alarm", to_primitive(alarm))
        self.publish("status", to_primitive(self.status))

    def report(self, transfer: TransferView) -> None:
        self.transfer_list = [transfer if each.what == transfer.what else each for each in self.transfer_list]
        self.publish("progress", to_primitive(transfer))

    def change(self, view: CaseView) -> None:
        self.cases[view.row.case] = view
        self.publish("case_changed", {"case": view.row.case})

    def asked(self, method: str) -> list[Mapping[str, Any]]:
        """The parameters of every call of `method`."""
        return [params for called, params in self.calls if called == method]

    async def _handle(self, method: str, params: Mapping[str, Any]) -> object:
        self.calls.append((method, params))
        if method in self.gates:
            await self.gates[method].wait()
        if method in self.refusals:
            raise CallFailed(Fault("refused", self.refusals[method], 4))
        if method in self.answers_instead:
            return self.answers_instead[method]
        if method in _CLINICAL and self.status.vault == "locked":
            raise CallFailed(Fault("vault-locked", "The vault is locked.", 4))
        answers: dict[str, Callable[[Mapping[str, Any]], object]] = {
            "status": lambda _: to_primitive(self.status),
            "unlock": self._unlock,
            "lock": self._lock,
            "templates": lambda _: story.TEMPLATES,
            "cases": lambda _: [to_primitive(row) for row in self._rows()],
            "case": lambda asked: to_primitive(self._case(asked)),
            "plan": lambda asked: to_primitive(self._case(asked).plan),
            "case_new": self._open,
            "vitals_add": self._add_vitals,
            "treatment_add": lambda asked: str(intake.treatment(_without_case(asked), now_s=story.NOW_S)),
            "patient_update": lambda asked: str(intake.patient_change(_without_case(asked))),
            "photo_add": lambda _: to_primitive(story.chest().photos[0]),
            "send": self._send,
            "price": lambda _: to_primitive(story.PRICE),
            "transfers": lambda _: [to_primitive(each) for each in self.transfer_list],
            "alarms": lambda _: [to_primitive(each) for each in self.alarm_list],
            "alarm_ack": self._acknowledge,
            "order_done": self._order_done,
        }
        answer = answers.get(method)
        return {} if answer is None else answer(params)

    @staticmethod
    def _describe(error: Exception) -> Fault:
        if isinstance(error, NodeError):
            return Fault(error.code, str(error), error.exit_code)
        return Fault("fault", f"{type(error).__name__}: {error}", 1)

    def _rows(self) -> tuple[CaseRow, ...]:
        return (*(view.row for view in self.cases.values()), *self.extra_rows)

    def _case(self, params: Mapping[str, Any]) -> CaseView:
        if params["case"] not in self.cases:
            raise CallFailed(Fault("not-found", f"There is no case {params['case']}.", 3))
        return self.cases[params["case"]]

    def _unlock(self, params: Mapping[str, Any]) -> object:
        if params["passphrase"] != PASSPHRASE:
            raise CallFailed(Fault("wrong-passphrase", "That passphrase does not open the vault.", 4))
        self.status = replace(self.status, vault="unlocked")
        self.publish("status", to_primitive(self.status))
        return {}

    def _lock(self, _: Mapping[str, Any]) -> object:
        self.status = replace(self.status, vault="locked")
        self.publish("status", to_primitive(self.status))
        return {}

    def _open(self, params: Mapping[str, Any]) -> object:
        intake.new_case({name: value for name, value in params.items() if name != "hub"})
        case = "dd" * 10
        row = replace(
            story.rows()[2],
            case=case,
            short="C-NEW1",
            patient=f"{params['patient_code']} {params.get('age_years', 'age?')} M",
            complaint=params["complaint"],
            urgency={"emergency": "EMER", "urgent": "URG"}.get(params["urgency"], "ROUT"),
        )
        self.cases[case] = replace(story.rash(), row=row, question=params["question"])
        return {"case": case, "short": "C-NEW1"}

    def _add_vitals(self, params: Mapping[str, Any]) -> object:
        sets = intake.vitals_sets(params["sets"], now_s=story.NOW_S)
        return {"records": ["00" * 16] * len(sets), "alarms": []}

    def _send(self, params: Mapping[str, Any]) -> object:
        view = self._case(params)
        lacking = [label[1:] for label in view.missing if label.startswith("*")]
        notes = view.notes
        if lacking and view.row.urgency != "EMER":
            if not params["accept_missing"]:
                raise CallFailed(Fault("incomplete", f"Not sent: {', '.join(lacking)} missing.", 4))
            notes = (*notes, f"en: Sent without: {', '.join(lacking)}.")
        row = replace(view.row, state="waiting for link")
        self.cases[row.case] = replace(view, row=row, notes=notes, sent=True)
        bundles = [to_primitive(each) for each in story.transfers()]
        return {"bundles": bundles, "bytes": 46_812, "seconds": 38.5, "usd": 0.27}

    def _acknowledge(self, params: Mapping[str, Any]) -> object:
        self.alarm_list = [
            replace(alarm, acknowledged_by=params["by"]) if alarm.alarm == params["alarm"] else alarm
            for alarm in self.alarm_list
        ]
        return {}

    def _order_done(self, params: Mapping[str, Any]) -> object:
        view = self._case(params)
        plan = view.plan
        if plan is None:
            raise CallFailed(Fault("not-found", "There is no plan.", 3))
        orders = tuple(
            replace(
                order,
                status="done",
                status_by=f"given 21:42Z by J. Medic: {params.get('dose', 'as ordered')}",
            )
            if order.number == params["order"]
            else order
            for order in plan.replies[0].orders
        )
        reply = replace(plan.replies[0], orders=orders)
        self.change(replace(view, plan=replace(plan, replies=(reply,))))
        return {}


def _without_case(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name != "case"}


_CLINICAL = frozenset({"cases", "case", "plan", "case_new", "vitals_add", "photo_add", "send", "transfers"})


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[FakeDaemon]:
    """A daemon on `folder`/daemon.sock while the block runs."""
    daemon = FakeDaemon(folder / "daemon.sock")
    async with asyncio.TaskGroup() as owner:
        serving = owner.create_task(daemon.serve())
        try:
            yield daemon
        finally:
            serving.cancel()


async def _serve_alone(options: argparse.Namespace) -> None:
    async with served(options.folder) as daemon:
        if options.locked:
            daemon.status = replace(daemon.status, vault="locked")
        daemon.extra_rows = story.many_rows(options.cases)
        await asyncio.Event().wait()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--locked", action="store_true")
    parser.add_argument("--cases", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "site.toml").write_text('site = "MV EXAMPLE"\n')
    asyncio.run(_serve_alone(options))


if __name__ == "__main__":
    _main()
