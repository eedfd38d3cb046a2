"""What connected clients are told without asking: cases that changed, progress, alarms, and status."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from protocol.ids import CaseId
from sync.local_socket import LocalServer

from .views import AlarmView, StatusView, TransferView, to_primitive

STATUS_EVERY_S: Final = 0.2
"""Between two reports of status: a burst of changes is one report."""


class Telling:
    """Publishes at once, but for status: of that a report goes out whenever it differs from the last one."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self._stirred = asyncio.Event()

    def status_changed(self) -> None:
        """It may read otherwise from now on."""
        self._stirred.set()

    def case_changed(self, case_id: CaseId) -> None:
        self._server.publish("case_changed", {"case": case_id.hex()})

    def progress(self, view: TransferView) -> None:
        self._server.publish("progress", to_primitive(view))

    def alarm(self, view: AlarmView) -> bool:
        """Whether anybody has heard it."""
        self.status_changed()
        return self._server.publish("alarm", to_primitive(view)) > 0

    async def run(self, status: Callable[[], Awaitable[StatusView]]) -> None:
        """Report status until cancelled."""
        told: StatusView | None = None
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            if self._server.has_subscribers:
                view = await status()
                if view != told:
                    self._server.publish("status", to_primitive(view))
                    told = view
            await asyncio.sleep(STATUS_EVERY_S)
