"""Routes, and how every error becomes a page."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from sync.links.http_listener import HttpListener
from sync.registry import SessionRegistry
from sync.stores.errors import StoreError

from ..app import Hub
from ..errors import CaseErased, HubError, NotAllowed, NotFound, NotSignedIn
from . import enrolment, events, pages, sessions
from .guard import RateLimit, add_headers
from .keys import ENROL_LIMIT, HUB, LOGIN_LIMIT, RENDERER
from .rendering import Renderer, static_response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FORM_BYTES_MAX: Final = 256 * 1024
"""The longest reply, with room for the form around it."""

_log = logging.getLogger(__name__)


def build_application(hub: Hub, registry: SessionRegistry) -> web.Application:
    """The whole web server. `registry` has the live sessions of all links."""
    app = web.Application(middlewares=[_errors_as_pages], client_max_size=FORM_BYTES_MAX)
    app[HUB] = hub
    app[RENDERER] = Renderer(hub.clock)
    app[ENROL_LIMIT] = RateLimit(hub.clock, burst=enrolment.BURST, per_minute=enrolment.PER_MINUTE)
    app[LOGIN_LIMIT] = RateLimit(hub.clock, burst=sessions.BURST, per_minute=sessions.PER_MINUTE)
    app.on_response_prepare.append(add_headers)
    listener = HttpListener(hub.contacts.callee, registry, reported=hub.contacts.session_ended)
    listener.add_to(app)
    app.add_routes(
        [
            web.post("/enrol", enrolment.enrol),
            web.get("/login", sessions.login, allow_head=False),
            web.post("/logout", sessions.logout),
            web.get("/", pages.queue),
            web.get("/case/{case}", pages.case, allow_head=False),
            web.post("/case/{case}/reply", pages.reply),
            web.post("/case/{case}/advice", pages.advice),
            web.post("/case/{case}/question", pages.question),
            web.get("/case/{case}/media/{blob}", pages.media),
            web.get("/events", events.events, allow_head=False),
            web.get("/static/{name}", _static),
        ]
    )
    return app


async def _static(request: web.Request) -> web.Response:
    return static_response(request.match_info["name"])


_STATUS: Final[Mapping[type[Exception], int]] = {NotFound: 404, NotAllowed: 403, CaseErased: 410}
"""Of errors that are no fault of ours."""


@web.middleware
async def _errors_as_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One sentence and the right status; what nobody expected is recorded and says so."""
    try:
        return await handler(request)
    except NotSignedIn as error:
        return request.app[RENDERER].page("sign_in.html", {"reason": str(error)}, status=401)
    except (HubError, StoreError) as error:
        return _page(request, str(error), _STATUS.get(type(error), 500))
    except web.HTTPException:
        raise
    except ConnectionError:
        raise  # The browser has gone; there is nobody to tell.
    except Exception:  # noqa: BLE001 - recorded with its trace; the reader gets a page.
        _log.exception("%s %s failed", request.method, request.path)
        return _page(request, "The hub met a fault of its own. What was saved before is safe.", 500)


def _page(request: web.Request, sentence: str, status: int) -> web.Response:
    return request.app[RENDERER].page("trouble.html", {"sentence": sentence}, status=status)
