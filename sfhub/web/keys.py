"""What the web application hands to its handlers."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ..app import Hub
from .guard import RateLimit
from .rendering import Renderer

HUB: Final = web.AppKey("hub", Hub)
RENDERER: Final = web.AppKey("renderer", Renderer)
ENROL_LIMIT: Final = web.AppKey("enrol_limit", RateLimit)
LOGIN_LIMIT: Final = web.AppKey("login_limit", RateLimit)
