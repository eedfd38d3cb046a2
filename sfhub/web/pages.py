"""The console: the queue, a case, and what a clinician sends from there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from protocol.catalogue import catalogue
from protocol.ids import CaseId
from protocol.orders import Certainty, Evacuation

from ..domain.erased import erased_text
from ..domain.measures import MEASURES
from ..domain.reply_view import open_orders
from ..domain.words import EVACUATION_WORDS, order_text
from ..errors import (
    BadRequest,
    CautionsBeforeSending,
    NewsBeforeSending,
    NotFound,
    Problem,
    ReplyIncomplete,
)
from ..services.people import SignedIn
from ..services.replies import Draft, Look
from ..services.worklist import case_id_of
from .chart import HEIGHT, WIDTH, charts
from .condition import hub_condition
from .forms import blank_values, reply_values, shown_values
from .guard import BODY_S
from .keys import HUB, RENDERER
from .sessions import signed_form, signed_in

ERASED_SHOWN_MAX: Final = 20
"""Below the queue; the command line lists them all."""
_RARE: Final = (("GCS", "glasgow_coma"), ("Pain", "pain"), ("Gluc", "glucose_mmol_l"))
"""Columns of the vitals table that are there only when something was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What stands in the composer when the page is shown."""

    values: Mapping[str, Any] = field(default_factory=blank_values)
    advice: str = ""
    problems: Sequence[Problem] = ()
    cautions: Sequence[str] = ()
    news: Sequence[str] = ()


async def queue(request: web.Request) -> web.Response:
    """GET /"""
    who = await signed_in(request)
    hub = request.app[HUB]
    rows = await hub.worklist.queue()
    values = {
        "who": who,
        "hub": hub.identity,
        "rows": [(row, hub.worklist.last_heard_s(row)) for row in rows],
        "erased": [erased_text(erasure) for erasure in (await hub.erasing.erasures())[:ERASED_SHOWN_MAX]],
        "needing": sum(row.needs_answer for row in rows),
        "troubles": hub.troubles,
        "condition": await hub_condition(hub),
    }
    return request.app[RENDERER].page("queue.html", values)


async def case(request: web.Request) -> web.Response:
    """GET /case/{case}; the first clinician who opens it tells the site so."""
    who = await signed_in(request)
    case_id = case_id_of(request.match_info["case"])
    await request.app[HUB].worklist.file(case_id)
    await request.app[HUB].replies.mark_seen(case_id, who.clinician)
    return await _case_page(request, who, case_id, _Typed())


async def reply(request: web.Request) -> web.Response:
    """POST /case/{case}/reply; a refusal shows the page again with everything that was typed."""
    who, fields = await _form(request)
    case_id = case_id_of(request.match_info["case"])
    values = reply_values(fields)
    seen = fields.get("seen", "")
    draft = Draft(
        values=values,
        seen=int(seen) if seen.isdecimal() and len(seen) < 16 else None,
        look=Look.FIRST,
        acknowledged=frozenset(fields.get("acknowledged", "").split("\n")),
    )
    try:
        sent = await request.app[HUB].replies.send(case_id, who.clinician, draft)
    except ReplyIncomplete as error:
        typed = _Typed(values=values, problems=error.problems)
    except CautionsBeforeSending as error:
        typed = _Typed(values=values, cautions=error.cautions)
    except NewsBeforeSending as error:
        typed = _Typed(values=values, news=error.news)
    else:
        raise web.HTTPSeeOther(f"/case/{case_id.hex()}?sent={sent.record}&bytes={sent.size_bytes}")
    return await _case_page(request, who, case_id, typed, status=422)


async def advice(request: web.Request) -> web.Response:
    """POST /case/{case}/advice"""
    who, fields = await _form(request)
    case_id = case_id_of(request.match_info["case"])
    text = fields.get("text", "").replace("\r\n", "\n").replace("\t", " ")
    try:
        sent = await request.app[HUB].replies.advise(case_id, who.clinician, text)
    except ReplyIncomplete as error:
        typed = _Typed(advice=text, problems=[Problem("advice", one.sentence) for one in error.problems])
        return await _case_page(request, who, case_id, typed, status=422)
    raise web.HTTPSeeOther(f"/case/{case_id.hex()}?sent={sent.record}&bytes={sent.size_bytes}")


async def question(request: web.Request) -> web.Response:
    """POST /case/{case}/question"""
    who, fields = await _form(request)
    case_id = case_id_of(request.match_info["case"])
    code = fields.get("code", "")
    try:
        codes = [int(code)] if code.isdecimal() and len(code) < 6 else []
        sent = await request.app[HUB].replies.ask(case_id, who.clinician, codes)
    except BadRequest as error:
        typed = _Typed(problems=[Problem("code", str(error))])
        return await _case_page(request, who, case_id, typed, status=422)
    raise web.HTTPSeeOther(f"/case/{case_id.hex()}?sent={sent.record}&bytes={sent.size_bytes}")


async def media(request: web.Request) -> web.Response:
    """GET /case/{case}/media/{blob}: only what a signed manifest of this case names."""
    await signed_in(request)
    hub = request.app[HUB]
    case_id = case_id_of(request.match_info["case"])
    try:
        blob = bytes.fromhex(request.match_info["blob"])
    except ValueError as error:
        raise NotFound("There is no such picture.") from error
    await hub.worklist.shown_blob(case_id, blob)
    data = await hub.worklist.read_blob(case_id, blob)
    return web.Response(body=data, content_type="image/avif")


async def _form(request: web.Request) -> tuple[SignedIn, dict[str, str]]:
    try:
        async with asyncio.timeout(BODY_S):
            return await signed_form(request)
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text="The form did not arrive in time. Nothing was sent.") from error


async def _case_page(
    request: web.Request, who: SignedIn, case_id: CaseId, typed: _Typed, *, status: int = 200
) -> web.Response:
    hub = request.app[HUB]
    view = await hub.worklist.case(case_id)
    file, _ = await hub.worklist.file(case_id)
    sent = next(
        (
            one
            for one in (*view.replies, *view.advice, *view.questions)
            if request.query.get("sent")
            in (getattr(one, "reply", ""), getattr(one, "record", ""), getattr(one, "question", ""))
        ),
        None,
    )
    size = request.query.get("bytes", "")
    values = {
        "who": who,
        "hub": hub.identity,
        "case": view,
        "charts": charts(view.vitals),
        "rare": [
            (title, name)
            for title, name in _RARE
            if any(getattr(one, name) is not None for one in view.vitals)
        ],
        "chart_width": WIDTH,
        "chart_height": HEIGHT,
        "typed": typed,
        "bad": {problem.field: problem.sentence for problem in typed.problems},
        "form": shown_values(typed.values),
        "open_orders": [
            (order.reply.record_id.hex(), order.order.number, order_text(order.order), order.status.value)
            for order in open_orders(file, view.seen)
        ],
        "measures": [
            (quantity.name.lower(), f"{measure.word} {measure.unit}".strip())
            for quantity, measure in MEASURES.items()
        ],
        "certainties": [(certainty.name.lower(), certainty.name.lower()) for certainty in Certainty],
        "evacuations": [(choice.name.lower(), EVACUATION_WORDS[choice]) for choice in Evacuation],
        "catalogue": [(known.code, known.text()) for known in catalogue().questions.values()],
        "sent": sent,
        "sent_bytes": int(size) if size.isdecimal() and len(size) < 8 else 0,
    }
    return request.app[RENDERER].page("case.html", values, status=status)
