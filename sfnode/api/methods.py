"""The calls a daemon answers, by name, and what a client reads when one fails."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from protocol.errors import InvalidRecord
from sfnode.errors import BadRequest, NodeError, StorageFailed, ValueRefused, VaultLocked
from sfnode.media.errors import PhotoNotFound, PhotoRefused
from sync.local_socket import Fault
from sync.stores.errors import StoreClosed, StoreError

from .case_calls import CaseCalls
from .hub_calls import HubCalls
from .parameters import Parameters
from .station_calls import StationCalls

log = logging.getLogger(__name__)

Method = Callable[[Parameters], Awaitable[Any]]
_PHOTO_REFUSED: Final = 4
_PHOTO_NOT_FOUND: Final = 3


def methods_of(cases: CaseCalls, station: StationCalls, hubs: HubCalls) -> Mapping[str, Method]:
    """Every method by its name on the socket."""
    calls: tuple[Method, ...] = (
        station.status,
        station.notices_seen,
        station.unlock,
        station.lock,
        station.stop,
        station.sync_once,
        station.link_set,
        station.link_add,
        station.link_remove,
        station.link_list,
        station.price,
        hubs.enrol,
        hubs.enrol_request,
        hubs.enrol_response,
        hubs.hubs,
        hubs.hub_home,
        hubs.hub_leave,
        station.alarms,
        station.alarm_ack,
        cases.templates,
        cases.cases,
        cases.case,
        cases.case_new,
        cases.case_close,
        cases.case_erase,
        cases.vitals_add,
        cases.note_add,
        cases.note_correct,
        cases.question_answer,
        cases.treatment_add,
        cases.patient_update,
        cases.photo_add,
        cases.send,
        cases.transfers,
        cases.plan,
        cases.plan_accept,
        cases.order_confirm,
        cases.order_done,
        cases.order_refuse,
        cases.capability,
        cases.capability_set,
    )
    return {call.__name__: call for call in calls}


async def answer(methods: Mapping[str, Method], name: str, values: Mapping[str, Any]) -> object:
    """Carry out one call. Raises whatever it raises."""
    method = methods.get(name)
    if method is None:
        raise BadRequest(f"There is no call {name!r} in this version. Nothing was changed.")
    return await method(Parameters(values))


def describe_fault(error: Exception) -> Fault:
    """What the client is told: the error's own sentence, or that it is ours, which is recorded."""
    match error:
        case NodeError():
            return Fault(error.code, str(error), error.exit_code)
        case PhotoRefused():
            found = not isinstance(error, PhotoNotFound)
            return Fault(error.code, str(error), _PHOTO_REFUSED if found else _PHOTO_NOT_FOUND)
        case InvalidRecord():
            return describe_fault(ValueRefused(f"{error}. Nothing was saved."))
        case StoreClosed():
            return describe_fault(VaultLocked())
        case StoreError():
            return describe_fault(StorageFailed(str(error)))
    log_fault("a call", error)
    return Fault(
        "internal",
        f"This is a fault of the software ({type(error).__name__}). What was acknowledged before is safe. "
        "Look whether this was done before you repeat it; the daemon's log has the details.",
        1,
    )


def log_fault(what: str, error: Exception) -> None:
    """Into the log: where it happened, and not its message, which may quote a patient."""
    log.error("%s failed with %s\n%s", what, type(error).__name__, "".join(_frames(error)))


def _frames(error: Exception) -> list[str]:
    frames = traceback.format_tb(error.__traceback__)
    if isinstance(error, ExceptionGroup):
        frames += [f"{type(each).__name__}\n{''.join(_frames(each))}" for each in error.exceptions]
    return frames
