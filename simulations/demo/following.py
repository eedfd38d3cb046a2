"""Eyes of the demonstration: what the node says is moving, and what the hub says has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from sfnode.views import TransferView, from_primitive
from sync.local_socket import LocalSocketError

from .screen import Screen
from .stage import Stage

HUB_POLL_S: Final = 0.7
NODE_RETRY_S: Final = 0.2


class Following:
    """Keeps the latest transfers and the latest hub view of one case, for as long as `run` is running."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self._stage = stage
        self._screen = screen
        self._changed = asyncio.Event()
        self.transfers: dict[str, TransferView] = {}
        self.hub: dict[str, Any] = {}
        """`sfhub case show --json`, empty until the hub knows of the case."""

    async def run_node(self) -> None:
        """Show every progress event; a daemon that is killed is found again when it is back."""
        while True:
            try:
                async with self._stage.node_client() as client:
                    async for event in client.subscribe(["progress"]):
                        self._moved(from_primitive(TransferView, event.data))
            except LocalSocketError:
                await asyncio.sleep(NODE_RETRY_S)

    async def run_hub(self, case: str) -> None:
        """Ask the hub for the case again and again, as somebody at its command line would."""
        while True:
            queue = await self._stage.sfhub("queue")
            if any(row["case"] == case for row in queue):
                self.hub = await self._stage.sfhub("case", "show", case)
                self._changed.set()
            await asyncio.sleep(HUB_POLL_S)

    async def until(self, holds: Callable[[], bool], what: str, timeout_s: float) -> bool:
        """Wait until `holds`; False, and a line on the screen, when it does not within `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._screen.say(f"PROBLEM: {what} did not happen within {timeout_s:.0f} s.")
            return False
        return True

    def done_bytes(self, what: str) -> int:
        """How much of an item is durable at the other end, as far as the node knows."""
        transfer = self.transfers.get(what)
        return transfer.done_bytes if transfer else 0

    def vitals_count(self) -> int:
        """Sets of readings at the hub; one that the headline brought ahead of its series is not counted."""
        return sum(not row["headline"] for row in self.hub.get("vitals", []))

    def allergies(self) -> str:
        """The patient's allergies as the hub shows them."""
        return str(self.hub.get("patient", {}).get("allergies", ""))

    def arrived_s(self, part: str) -> float | None:
        """When a part was durable at the hub, by the hub's clock."""
        value = self.hub.get("arrivals", {}).get(part)
        return value if isinstance(value, float | int) else None

    def arrived_all_s(self, part: str) -> list[float]:
        """The same for parts that come several times."""
        return list(self.hub.get("arrivals", {}).get(part, []))

    def _moved(self, transfer: TransferView) -> None:
        self.transfers[transfer.what] = transfer
        self._screen.progress(self.transfers)
        self._changed.set()
