"""Sign-in by a one-time address, the session cookie, and who sends a request."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ..errors import NotAllowed, NotSignedIn
from ..services.people import SESSION_LIFETIME_S, SignedIn, is_form_token
from .keys import HUB, LOGIN_LIMIT, RENDERER

COOKIE: Final = "sfhub_session"
BURST: Final = 10
PER_MINUTE: Final = 10.0
"""Sign-ins of one address."""


async def signed_in(request: web.Request) -> SignedIn:
    """Whose browser this is; `NotSignedIn` when nobody's."""
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        raise NotSignedIn("You are not signed in.")
    return await request.app[HUB].people.signed_in(secret)


async def signed_form(request: web.Request) -> tuple[SignedIn, dict[str, str]]:
    """A form that our own page sent, its last value for each field; `NotAllowed` for any other."""
    who = await signed_in(request)
    fields = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    if not is_form_token(who, fields.pop("form_token", "")):
        raise NotAllowed("This form was not made for your session. Nothing was sent. Load the page again.")
    return who, fields


async def login(request: web.Request) -> web.Response:
    """GET /login?token=…: burns the token and sets the cookie.

    The browser is sent on by the page itself, not by a redirect: a strict cookie would not go along with a
    redirect that began on another site, such as a mail page.
    """
    if not request.app[LOGIN_LIMIT].admits(request.remote or ""):
        raise web.HTTPTooManyRequests(text="Too many sign-ins from this address. Wait a minute.")
    secret = await request.app[HUB].people.sign_in(request.query.get("token", ""))
    response = request.app[RENDERER].page("signed_in.html", {})
    response.set_cookie(
        COOKIE,
        secret,
        max_age=SESSION_LIFETIME_S,
        httponly=True,
        secure=request.secure,
        samesite="Strict",
        path="/",
    )
    return response


async def logout(request: web.Request) -> web.Response:
    """POST /logout."""
    await signed_form(request)
    await request.app[HUB].people.sign_out(request.cookies[COOKIE])
    response = request.app[RENDERER].page("sign_in.html", {"reason": "You are signed out."})
    response.del_cookie(COOKIE, path="/")
    return response
