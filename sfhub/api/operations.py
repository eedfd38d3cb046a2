"""Every call that the command line makes, the same whether a server runs or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from protocol.actors import Role
from protocol.errors import EnrolmentRefused, ProtocolError
from sync.local_socket import Fault
from sync.stores.erasures import Erasure
from sync.stores.errors import StoreError, StoreHalted

from ..app import Hub
from ..config import LISTEN_DEFAULT
from ..domain.erased import erased_text
from ..errors import BadRequest, HubError
from ..services.replies import Draft
from ..storage.entries import all_held
from ..storage.outbox import unsent_count
from ..storage.quarantine import all_put_aside, put_aside_count
from ..views import to_primitive
from .backup_operations import BACKUP_OPERATIONS, backup_status
from .key_operations import KEY_OPERATIONS, key_status
from .params import Params

MEDIA_PAGE_BYTES: Final = 256 * 1024
LIST_ROWS_MAX: Final = 500
QUEUE_ROWS_MAX: Final = 1000
"""The most urgent ones: what one answer of the socket holds, and more than a day's work."""

Operation = Callable[[Hub, Params], Awaitable[object]]


async def perform(hub: Hub, method: str, params: Mapping[str, Any]) -> object:
    """Carry out one call; what it raises, `describe` puts in words."""
    operation = _OPERATIONS.get(method)
    if operation is None:
        raise BadRequest(f"There is no call {method}.")
    return await operation(hub, Params(params))


def describe(error: Exception) -> Fault:
    """The stable code, the sentence and the exit status of anything a call can raise."""
    match error:
        case HubError():
            return Fault(error.code, str(error), error.exit_code)
        case EnrolmentRefused():
            return Fault("enrolment-refused", str(error), 4)
        case ProtocolError():
            return Fault("not-readable", str(error), 1)
        case StoreHalted():
            return Fault("store-halted", str(error), 75)
        case StoreError():
            return Fault("store-error", str(error), 1)
    return Fault(
        "hub-fault",
        f"The hub met a fault of its own ({type(error).__name__}). What was saved before is safe; "
        "the log has the details.",
        1,
    )


async def _clinician_add(hub: Hub, params: Params) -> object:
    word = params.text_or("role", "specialist")
    roles = {role.name.lower(): role for role in Role}
    if word not in roles:
        raise BadRequest("A clinician is a specialist or a coordinator.")
    clinician = await hub.people.add(params.text("name"), roles[word])
    return {"name": clinician.name, "role": clinician.role.name.lower(), "actor": clinician.actor.hex()}


async def _clinicians(hub: Hub, _: Params) -> object:
    return [
        {"name": one.name, "role": one.role.name.lower(), "actor": one.actor.hex()}
        for one in await hub.people.all()
    ]


async def _enrol_new(hub: Hub, params: Params) -> object:
    printed = await hub.enrolment.new_code(params.text("site"), params.number_or("valid_h", 72) * 3600)
    return {"code": printed.code, "site": printed.site_name, "expires_s": printed.expires_s}


async def _enrol_list(hub: Hub, _: Params) -> object:
    now_s = hub.clock.wall_s()
    return [
        {
            "site": code.site_name,
            "state": "expired"
            if code.state.value == "open" and not code.is_open(now_s)
            else code.state.value,
            "tries": code.tries,
            "made_s": code.made_s,
            "expires_s": code.expires_s,
        }
        for code in await hub.enrolment.codes()
    ]


async def _enrol_accept(hub: Hub, params: Params) -> object:
    return {"response": await hub.enrolment.answer(params.raw("request"))}


async def _queue(hub: Hub, _: Params) -> object:
    rows = (await hub.worklist.queue())[:QUEUE_ROWS_MAX]
    return [to_primitive(row) | {"last_heard_s": hub.worklist.last_heard_s(row)} for row in rows]


async def _case_show(hub: Hub, params: Params) -> object:
    case_id = await hub.worklist.named(params.text("case"))
    return to_primitive(await hub.worklist.case(case_id))


async def _case_media(hub: Hub, params: Params) -> object:
    """One page of a picture's bytes: the socket carries no frame as large as a picture may be."""
    case_id = await hub.worklist.named(params.text("case"))
    try:
        blob = bytes.fromhex(params.text("blob"))
    except ValueError as error:
        raise BadRequest("The picture's name is hexadecimal; sfhub case show lists it.") from error
    await hub.worklist.shown_blob(case_id, blob)
    data = await hub.worklist.read_blob(case_id, blob)
    offset = params.whole_or_none("offset") or 0
    return {"data": data[offset : offset + MEDIA_PAGE_BYTES], "size_bytes": len(data)}


async def _reply(hub: Hub, params: Params) -> object:
    case_id = await hub.worklist.named(params.text("case"))
    author = await hub.people.named(params.text("by"))
    draft = Draft(values=params.mapping("reply"), seen=params.whole_or_none("seen"))
    return to_primitive(await hub.replies.send(case_id, author, draft))


async def _advice(hub: Hub, params: Params) -> object:
    case_id = await hub.worklist.named(params.text("case"))
    author = await hub.people.named(params.text("by"))
    return to_primitive(await hub.replies.advise(case_id, author, params.text("text")))


async def _question_ask(hub: Hub, params: Params) -> object:
    case_id = await hub.worklist.named(params.text("case"))
    author = await hub.people.named(params.text("by"))
    codes, within_min = params.wholes("codes"), params.whole_or_none("within_min")
    return to_primitive(await hub.replies.ask(case_id, author, codes, within_min=within_min))


async def _case_seen(hub: Hub, params: Params) -> object:
    case_id = await hub.worklist.named(params.text("case"))
    author = await hub.people.named(params.text("by"))
    return {"case": case_id.hex(), "first": await hub.replies.mark_seen(case_id, author)}


async def _case_erase(hub: Hub, params: Params) -> object:
    case_id = await hub.worklist.named(params.text("case"))
    author = await hub.people.named(params.text("by"))
    erasure = await hub.erasing.erase(
        case_id, author, reason=params.text("reason"), withdraw=params.flag("withdraw")
    )
    return _erased(erasure)


async def _cases_erased(hub: Hub, _: Params) -> object:
    return [_erased(erasure) for erasure in (await hub.erasing.erasures())[:LIST_ROWS_MAX]]


def _erased(erasure: Erasure) -> object:
    return {
        "case": erasure.case_id.hex(),
        "erased_s": erasure.erased_s,
        "erased_by": erasure.erased_by,
        "reason": erasure.reason,
        "late": erasure.late,
        "text": erased_text(erasure),
    }


async def _console_url(hub: Hub, params: Params) -> object:
    clinician = await hub.people.named(params.text("clinician"))
    token = await hub.people.one_time_token(clinician)
    base = params.text_or("base", hub.address.base or f"http://{LISTEN_DEFAULT}").rstrip("/")
    return {"url": f"{base}/login?token={token}", "clinician": clinician.name}


async def _status(hub: Hub, _: Params) -> object:
    rows = await hub.worklist.queue()
    return {
        "organisation": hub.identity.organisation,
        "hub": hub.identity.name,
        "address": hub.address.base,
        "datagrams": {"address": hub.address.udp, "lines": list(hub.address.udp_described())},
        "cases": len(rows),
        "needing_answer": sum(row.needs_answer for row in rows),
        "sites": len({pair.site for pair in hub.sites.directory.pairs}),
        "unsent": await hub.database.read(unsent_count),
        "quarantined": await hub.database.read(put_aside_count),
        "sessions_ended": hub.contacts.sessions_ended,
        "bytes_received_twice": hub.contacts.bytes_received_twice,
        **await key_status(hub),
        "backup": await backup_status(hub),
        "told_once": list(await hub.contacts.told_once()),
        "notices": list(hub.troubles),
    }


async def _notices_seen(hub: Hub, _: Params) -> object:
    await hub.notices.mark_seen(now_s=hub.clock.wall_s())
    return {"seen": True}


async def _sites(hub: Hub, _: Params) -> object:
    return [
        {
            "site": pair.site_name,
            "mailbox": pair.site.hex(),
            "pseudonym": pair.pseudonym.hex(),
            "enrolled_s": pair.enrolled_s,
            "last_heard_s": hub.sites.last_heard_s(pair.site),
            "key": pair.signer.key_id.hex(),
            "current": hub.sites.directory.newest_pair(pair.site) == pair,
            "revoked": pair.revoked,
        }
        for pair in hub.sites.directory.pairs
    ]


async def _quarantine(hub: Hub, _: Params) -> object:
    aside = await hub.database.read(lambda connection: all_put_aside(connection, LIST_ROWS_MAX))
    held = await hub.database.read(lambda connection: all_held(connection, LIST_ROWS_MAX))
    return [
        *(
            {
                "site": one.site_name,
                "what": "entry" if one.entry_id else "bundle",
                "id": (one.entry_id or one.bundle_id).hex(),
                "reason": one.reason,
                "since_s": one.happened_s,
            }
            for one in aside
        ),
        *(
            {"site": site, "what": "held entry", "id": entry.hex(), "reason": reason, "since_s": since_s}
            for site, entry, reason, since_s in held
        ),
    ]


_OPERATIONS: Final[Mapping[str, Operation]] = {
    "clinician_add": _clinician_add,
    "clinicians": _clinicians,
    "enrol_new": _enrol_new,
    "enrol_list": _enrol_list,
    "enrol_accept": _enrol_accept,
    "queue": _queue,
    "case_show": _case_show,
    "case_media": _case_media,
    "reply": _reply,
    "advice": _advice,
    "question_ask": _question_ask,
    "case_seen": _case_seen,
    "case_erase": _case_erase,
    "cases_erased": _cases_erased,
    "console_url": _console_url,
    "status": _status,
    "notices_seen": _notices_seen,
    "sites": _sites,
    "quarantine": _quarantine,
    **KEY_OPERATIONS,
    **BACKUP_OPERATIONS,
}
