"""Templates to pages: autoescape always, nothing inline, and the words for times."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from importlib.resources import files
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from sync.ports import Clock

from ..domain.words import clock as clock_word
from ..domain.words import minutes, moment, span

STATIC_FILES: Final = ("console.css", "console.js", "icon.svg")


class Renderer:
    """One template environment for the whole console."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._environment = Environment(
            loader=PackageLoader("sfhub.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(moment=moment, clock=clock_word, span=span, minutes=minutes)
        # Names of static files carry a hash of their content, so that browsers may keep them for ever.
        self._environment.globals["static"] = {name: f"/static/{_hashed(name)}" for name in STATIC_FILES}

    def page(self, template: str, values: Mapping[str, Any], *, status: int = 200) -> web.Response:
        """A whole page; `now_s` is the hub's clock at this moment."""
        now_s = self._clock.wall_s()
        text = self._environment.get_template(template).render(now_s=now_s, **values)
        response = web.Response(status=status, text=text, content_type="text/html", charset="utf-8")
        response.enable_compression()
        return response


def static_response(name: str) -> web.Response:
    """One of our own files under its hashed name; `HTTPNotFound` for any other."""
    known = {_hashed(plain): plain for plain in STATIC_FILES}
    if name not in known:
        raise web.HTTPNotFound(text="There is no such file.")
    types = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    response = web.Response(
        body=_content(known[name]),
        content_type=types[name.rpartition(".")[2]],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
    response.enable_compression()
    return response


def _hashed(name: str) -> str:
    stem, _, kind = name.rpartition(".")
    return f"{stem}-{blake2b(_content(name), digest_size=6).hexdigest()}.{kind}"


def _content(name: str) -> bytes:
    return (files("sfhub.web") / "static" / name).read_bytes()
