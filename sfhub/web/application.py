"""Routes, and how every error becomes a page."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from aiohttp import web

from protocol.ids import Pseudonym
from sync.links.http_listener import Callee, HttpListener
from sync.registry import SessionRegistry
from sync.stores.errors import StoreError

from ..app import Hub
from ..errors import HubError, NotAllowed, NotFound, NotSignedIn
from . import enrolment, events, pages, sessions
from .guard import RateLimit, add_headers
from .keys import ENROL_LIMIT, HUB, LOGIN_LIMIT, RENDERER
from .rendering import Renderer, static_response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FORM_BYTES_MAX: Final = 256 * 1024
"""The longest reply, with room for the form around it."""

_log = logging.getLogger(__name__)


def build_application(hub: Hub) -> web.Application:
    """The whole web server."""
    app = web.Application(middlewares=[_errors_as_pages], client_max_size=FORM_BYTES_MAX)
    app[HUB] = hub
    app[RENDERER] = Renderer(hub.clock)
    app[ENROL_LIMIT] = RateLimit(hub.clock, burst=enrolment.BURST, per_minute=enrolment.PER_MINUTE)
    app[LOGIN_LIMIT] = RateLimit(hub.clock, burst=sessions.BURST, per_minute=sessions.PER_MINUTE)
    app.on_response_prepare.append(add_headers)
    listener = HttpListener(partial(_callee, hub), SessionRegistry(), reported=hub.contacts.session_ended)
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
            web.get("/case/{case}/media/{blob}", pages.media),
            web.get("/events", events.events, allow_head=False),
            web.get("/static/{name}", _static),
        ]
    )
    return app


async def _callee(hub: Hub, pseudonym: Pseudonym) -> Callee | None:
    """With whom a caller of POST /sync gets to talk."""
    pair = hub.contacts.pair_of(pseudonym)
    if pair is None:
        return None
    return Callee(link_secret=hub.contacts.link_secret(pair), setting=await hub.contacts.setting(pair))


async def _static(request: web.Request) -> web.Response:
    return static_response(request.match_info["name"])


@web.middleware
async def _errors_as_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One sentence and the right status; what nobody expected is recorded and says so."""
    try:
        return await handler(request)
    except NotSignedIn as error:
        return request.app[RENDERER].page("sign_in.html", {"reason": str(error)}, status=401)
    except NotFound as error:
        return _page(request, str(error), 404)
    except NotAllowed as error:
        return _page(request, str(error), 403)
    except (HubError, StoreError) as error:
        return _page(request, str(error), 500)
    except web.HTTPException:
        raise
    except ConnectionError:
        raise  # The browser has gone; there is nobody to tell.
    except Exception:  # noqa: BLE001 - recorded with its trace; the reader gets a page.
        _log.exception("%s %s failed", request.method, request.path)
        return _page(request, "The hub met a fault of its own. What was saved before is safe.", 500)


def _page(request: web.Request, sentence: str, status: int) -> web.Response:
    return request.app[RENDERER].page("trouble.html", {"sentence": sentence}, status=status)
