"""Where a connection finds out that the link is back, the contact goes on: another session, told as one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sync.core import BundleSent, Ending, PeerGreeted, SessionEnded
from sync.driver import SessionReport
from sync.links import MemoryLinkConditions, memory_link
from sync.links.memory import MemoryConnection
from sync.ports import LinkError

from .stores.contract import add, bundle_id_of
from .test_driver import CERTUS_DOWN, CERTUS_UP, Meeting, held
from .virtual_time import run_virtual

PHOTO_BYTES = 20_000
CUT = MemoryLinkConditions(rate_bit_s=22_000, delay_s=0.45, cut_after_bytes=9_000)


@dataclass(eq=False)
class Reviving:
    """Breaks as its memory link does; `later` stands in its place then, if anything does."""

    first: MemoryConnection
    later: MemoryConnection | None
    is_back: bool = False
    revivals: int = 0
    at_hub: list[SessionReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.properties = self.first.properties

    async def send(self, data: bytes) -> None:
        await self.first.send(data)

    async def receive(self) -> bytes:
        try:
            return await self.first.receive()
        except LinkError:
            self.is_back = True
            raise

    async def revived(self) -> MemoryConnection:
        self.revivals += 1
        if self.later is None:
            raise LinkError("It has broken since.")
        return self.later

    async def finish(self) -> None:
        await self.first.finish()

    async def close(self) -> None:
        await self.first.close()


async def contact(
    meeting: Meeting, *, cut: MemoryLinkConditions, stands: bool
) -> tuple[SessionReport, Reviving]:
    at_node, at_hub = memory_link(cut, CERTUS_DOWN)
    again_at_node, again_at_hub = memory_link(CERTUS_UP, CERTUS_DOWN)
    reviving = Reviving(at_node, again_at_node if stands else None)

    async def be_hub() -> None:
        reviving.at_hub.append(await meeting.answer(at_hub))
        if stands and reviving.is_back:
            reviving.at_hub.append(await meeting.answer(again_at_hub))

    async with asyncio.TaskGroup() as group:
        dialling = group.create_task(meeting.dial(reviving))
        group.create_task(be_hub())
    return dialling.result(), reviving


def test_the_contact_goes_on_and_is_told_as_one() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await add(meeting.node, "photo", PHOTO_BYTES)
        of_node = Meeting(node=meeting.node, hub=meeting.hub)
        heard: list[object] = []
        of_node.heard = heard.append
        report, reviving = await contact(of_node, cut=CUT, stands=True)
        assert (report.ending, reviving.revivals) == (Ending.DONE, 1)
        assert await held(meeting.hub) == {bundle_id_of("photo")}
        assert [type(event) for event in heard if isinstance(event, SessionEnded)] == [SessionEnded]
        assert sum(isinstance(event, PeerGreeted) for event in heard) == 2
        assert sum(isinstance(event, BundleSent) for event in heard) == 1
        # What had come before the break is not sent again; what was under way is.
        assert PHOTO_BYTES < report.counters.payload_bytes_sent < PHOTO_BYTES + 8_000
        assert [hub.counters.duplicate_bytes_received for hub in reviving.at_hub] == [0, 0]
        assert report.duration_s > PHOTO_BYTES * 8 / 22_000

    run_virtual(scenario())


def test_what_stood_and_broke_again_leaves_the_report_of_the_loss() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await add(meeting.node, "photo", PHOTO_BYTES)
        report, reviving = await contact(meeting, cut=CUT, stands=False)
        assert (report.ending, reviving.revivals) == (Ending.LINK_LOST, 1)

    run_virtual(scenario())


def test_a_connection_that_ends_in_order_is_not_asked_for_another() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await add(meeting.node, "photo", PHOTO_BYTES)
        report, reviving = await contact(meeting, cut=CERTUS_UP, stands=True)
        assert (report.ending, reviving.revivals) == (Ending.DONE, 0)

    run_virtual(scenario())
