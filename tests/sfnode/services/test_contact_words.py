"""How a contact ended, in words: what the site saw of a hub that answers, refuses or is not there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from protocol.ids import Incarnation
from sfnode.config import LinkSettings
from sfnode.services.contact_words import (
    ALLOWANCE_SPENT,
    LET_GO,
    NO_ANSWER,
    NO_ANSWER_TO_STRANGERS,
    NOTHING_LEFT,
    ended_words,
)
from simulations.virtual.loop import run_virtual
from sync.core import Counters, Ending, LinkMemory
from sync.driver import SessionReport, Setting, dial_session
from sync.links.memory import memory_link
from sync.links.udp_connection import udp_properties
from sync.stores.memory import MemoryStore
from tests.sfnode.services.coast import open_coast
from tests.sync.links.test_udp_listener import PAIRS, LoopClock, dialer, running_hub, secret_of

LINK = LinkSettings(hub_url="http://hub.example", name="vsat", rate_bit_s=512_000, rtt_s=0.6)
STREAM = memory_link()[0].properties
DATAGRAMS = udp_properties(rate_bit_s=22_000, rtt_s=0.9)


def report(ending: Ending, reason: str) -> SessionReport:
    return SessionReport(
        ending=ending, reason=reason, counters=Counters(), memory=LinkMemory(), duration_s=1.0
    )


@pytest.mark.parametrize(
    ("ending", "reached", "spent_out", "over_stream", "in_datagrams"),
    [
        (Ending.DONE, True, False, NOTHING_LEFT, NOTHING_LEFT),
        (Ending.PARTED, True, True, ALLOWANCE_SPENT, ALLOWANCE_SPENT),
        (Ending.PARTED, True, False, "why", "why"),
        (Ending.PEER_SILENT, True, False, "why", "why"),
        (Ending.PEER_SILENT, False, False, NO_ANSWER, NO_ANSWER_TO_STRANGERS),
        (Ending.LINK_LOST, False, False, "why", "why"),
    ],
)
def test_what_a_site_cannot_know_it_does_not_say(
    ending: Ending, reached: bool, spent_out: bool, over_stream: str, in_datagrams: str
) -> None:
    for link, words in ((STREAM, over_stream), (DATAGRAMS, in_datagrams)):
        assert ended_words(report(ending, "why"), link, reached=reached, spent_out=spent_out) == words


async def test_a_copy_that_finds_the_seat_taken_is_told_so() -> None:
    """The device whose session the hub holds has the newer generation; this one was restored, or copied."""
    async with asyncio.timeout(20.0), running_hub() as hub:
        assert await hub.listener._registry.take(PAIRS[0], 10**6)
        session = await dial_session(
            await dialer(hub).dial(),
            link_secret=secret_of(PAIRS[0]),
            pseudonym=PAIRS[0],
            setting=Setting(store=MemoryStore(lambda: Incarnation(b"copy")), clock=LoopClock()),
        )
    assert ended_words(session, DATAGRAMS, reached=False, spent_out=False) == LET_GO
    # A hub that had greeted, and then ended, is not said to have refused.
    assert ended_words(session, DATAGRAMS, reached=True, spent_out=False) == session.reason


def test_a_hub_that_never_answers_is_not_said_to_have_gone_dark(tmp_path: Path) -> None:
    async def scenario() -> tuple[str, str]:
        async with open_coast(tmp_path, [LINK]) as coast:
            coast.lines["vsat"].is_dark = True
            await asyncio.sleep(40.0)
            return (await coast.outcomes())[0], coast.contacts.state.words

    outcome, words = run_virtual(scenario())
    assert outcome == NO_ANSWER
    assert words.endswith(NO_ANSWER)
