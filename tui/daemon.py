"""The node's daemon as the terminal sees it: typed calls and events over its local socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from sfnode.api.client import ask, daemon_gone
from sfnode.errors import DaemonGone
from sfnode.views import (
    AlarmView,
    CaseRow,
    CaseView,
    PhotoView,
    PlanView,
    PriceView,
    StatusView,
    TransferView,
)
from sync.local_socket import LocalClient, LocalSocketError

from . import answers
from .answers import Happening, Read, Sent, Template, View, many, one, understood

Connect = Callable[[], Awaitable[LocalClient]]
"""Opens one connection, starting the daemon if that is how it is set up. Raises `NodeError`."""
Values = Mapping[str, object]


class Daemon:
    """Calls to one daemon; a broken connection is opened again at the next call.

    Every call raises `NodeError` with a sentence for the medic: what the daemon refused, or `DaemonGone`.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._client: LocalClient | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def close(self) -> None:
        """For good: a call that is still under way must not connect again behind our back. Idempotent."""
        self._closed = True
        await self._drop()

    async def status(self) -> StatusView:
        return await self._ask("status", {}, one(StatusView))

    async def unlock(self, passphrase: str) -> None:
        await self._ask("unlock", {"passphrase": passphrase.encode()}, answers.nothing)

    async def lock(self) -> None:
        await self._ask("lock", {}, answers.nothing)

    async def templates(self) -> tuple[Template, ...]:
        return await self._ask("templates", {}, answers.templates)

    async def cases(self) -> tuple[CaseRow, ...]:
        return await self._ask("cases", {}, many(CaseRow))

    async def case(self, case: str) -> CaseView:
        return await self._ask("case", {"case": case}, one(CaseView))

    async def open_case(self, values: Values) -> str:
        """The id of the new draft."""
        return await self._ask("case_new", values, answers.case_id)

    async def add_vitals(self, case: str, values: Values) -> tuple[AlarmView, ...]:
        """The alarms that this set raised."""
        return await self._ask("vitals_add", {"case": case, "sets": [values]}, answers.alarms_raised)

    async def add_photo(self, case: str, path: str, caption: str) -> PhotoView:
        return await self._ask("photo_add", {"case": case, "path": path, "caption": caption}, one(PhotoView))

    async def price(self, case: str) -> PriceView:
        """What sending it would take; nothing is sent."""
        return await self._ask("price", {"case": case}, one(PriceView))

    async def send(self, case: str, *, accept_missing: bool = False) -> Sent:
        """`accept_missing` sends what its form does not call complete, and the case says so."""
        return await self._ask("send", {"case": case, "accept_missing": accept_missing}, answers.sent)

    async def transfers(self) -> tuple[TransferView, ...]:
        return await self._ask("transfers", {}, many(TransferView))

    async def plan_seen(self, case: str) -> PlanView:
        """The current plan; from now on its replies count as read by a person at the site."""
        return await self._ask("plan", {"case": case, "seen": True}, one(PlanView))

    async def alarms(self) -> tuple[AlarmView, ...]:
        return await self._ask("alarms", {}, many(AlarmView))

    async def acknowledge(self, alarm: int, by: str) -> None:
        await self._ask("alarm_ack", {"alarm": alarm, "by": by}, answers.nothing)

    async def act(self, method: str, values: Values) -> None:
        """A call whose result nobody shows: note_add, order_done, plan_accept and their like."""
        await self._ask(method, values, answers.nothing)

    async def happenings(self) -> AsyncGenerator[Happening]:
        """What happens from now on, over a connection of its own; `DaemonGone` when it ends."""
        client = await self._connect()
        try:
            async for event in client.subscribe(answers.TOPICS):
                if (known := answers.happening(event.topic, event.data)) is not None:
                    yield known
        except LocalSocketError as error:
            raise daemon_gone() from error
        finally:
            await client.close()

    async def _ask(self, method: str, params: Values, read: Read[View]) -> View:
        client = await self._connected()
        try:
            answer: Any = await ask(client, method, params)
        except DaemonGone:
            await self._drop()
            raise
        return understood(answer, read)

    async def _connected(self) -> LocalClient:
        async with self._opening:
            if self._closed:
                raise daemon_gone()
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
