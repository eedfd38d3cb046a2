"""Keeps what is known of the site in step with its daemon: asked for now and then, told in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from textual.app import App

from sfnode.errors import DaemonGone, NodeError
from sfnode.views import AlarmView, StatusView, TransferView

from .answers import Happening
from .daemon import Daemon
from .site import Site
from .work import start

PROGRESS_PERIOD_S: Final = 0.25
"""Progress is painted at most four times a second, and only where the text differs."""
CASES_PERIOD_S: Final = 0.25
RETRY_S: Final = 1.0
SUBSCRIBED_S: Final = 1.0
_GONE: Final = "sfnode does not answer: trying again"
_REFUSED: Final = "sfnode cannot tell: what is shown may be old"


class Follower:
    """Tells `show` what came, None when anything may have changed; and `fail` once why nothing comes."""

    def __init__(
        self,
        app: App[Any],
        daemon: Daemon,
        site: Site,
        *,
        show: Callable[[Happening | None], None],
        fail: Callable[[NodeError], None],
    ) -> None:
        self._app = app
        self._daemon = daemon
        self._site = site
        self._show = show
        self._fail = fail
        self._progress: dict[str | None, TransferView] = {}
        self._changed_cases: set[str] = set()

    async def follow(self) -> None:
        """Load, then take events as they come; for ever, because the daemon may be started again."""
        while True:
            await self.load()
            # An event between this answer and the subscription would be missed: ask once more when it stands.
            self._app.set_timer(SUBSCRIBED_S, self.reload)
            try:
                async with aclosing(self._daemon.happenings()) as events:
                    async for event in events:
                        self._take(event)
            except NodeError as error:
                self._trouble(error)
                self._show(None)
            await asyncio.sleep(RETRY_S)

    def reload(self) -> None:
        """Ask for everything again; what did not change is not painted."""
        start(self._app, self.load, name="reload", instead_of_earlier=True)

    async def load(self) -> None:
        """Status, alarms, and the cases if the vault is open."""
        try:
            self._site.status = await self._daemon.status()
            self._site.alarms = await self._daemon.alarms()
            if self._site.unlocked:
                self._site.cases = await self._daemon.cases()
                self._site.transfers = await self._daemon.transfers()
            self._site.trouble = None
        except NodeError as error:
            self._trouble(error)
        self._show(None)

    def _take(self, event: Happening) -> None:
        match event:
            case StatusView():
                self._site.status = event
                self._show(event)
            case AlarmView():
                self._site.take_alarm(event)
                self._show(event)
            case TransferView():
                self._site.take_transfer(event)
                if not self._progress:
                    self._app.set_timer(PROGRESS_PERIOD_S, self._paint_progress)
                self._progress[event.case] = event
            case str():
                if not self._changed_cases:
                    self._app.set_timer(CASES_PERIOD_S, self._reload_cases)
                self._changed_cases.add(event)

    def _trouble(self, error: NodeError) -> None:
        """What is shown may be old now: the status line says so, and once a whole sentence why."""
        known, self._site.trouble = self._site.trouble, _GONE if isinstance(error, DaemonGone) else _REFUSED
        if known != self._site.trouble:
            self._fail(error)

    def _paint_progress(self) -> None:
        progress, self._progress = self._progress, {}
        for event in progress.values():
            self._show(event)

    def _reload_cases(self) -> None:
        changed, self._changed_cases = self._changed_cases, set()
        start(self._app, partial(self._load_cases, changed), name="reload cases")

    async def _load_cases(self, changed: Collection[str]) -> None:
        if not self._site.unlocked:
            return
        try:
            self._site.cases = await self._daemon.cases()
            self._site.transfers = await self._daemon.transfers()
        except NodeError as error:
            self._trouble(error)
        for case in changed:
            self._show(case)
