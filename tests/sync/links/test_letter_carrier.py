"""Letters over a medium that loses, repeats and displaces messages, as a node and a hub would run them."""

from __future__ import annotations

import asyncio
import random

import pytest

from protocol.errors import ProtocolError
from protocol.header import Priority
from protocol.letters import Way
from sync.letters import Correspondence, LetterRead, LetterTerms
from sync.links.letter_carrier import LetterCarrier, Told
from sync.links.memory import memory_link
from sync.ports import LinkError
from sync.stores import MemoryStore

from ..core.simulated_contact import new_store
from ..letters.post_office import PAIR, SECRET
from ..stores.contract import add
from ..virtual_time import VirtualClock, run_virtual
from .mailbox_link import UNIT_BYTES_MAX, MailboxConnection, Post, mailbox_link

PATIENCE_S = 10 * 86_400.0
TERMS = LetterTerms(letter_bytes_max=UNIT_BYTES_MAX, answer_s=100.0, spread_s=10.0)


def correspondence(store: MemoryStore, way: Way, terms: LetterTerms = TERMS) -> Correspondence:
    salts = random.Random(way.name)
    return Correspondence(store, terms, secret=SECRET, pair=PAIR, way=way, new_salt=salts.randbytes)


class Ends:
    """A site and a hub with a carrier each."""

    def __init__(self, post: Post) -> None:
        self.site, self.hub = new_store(1), new_store(2)
        self.near, self.far = mailbox_link(post)
        self.floor: Priority | None = Priority.BULK
        self.told: list[Told] = []
        self.heard = asyncio.Event()
        self.of_site = self._carrier(self.site, Way.FROM_SITE, self.near)
        self.of_hub = self._carrier(self.hub, Way.FROM_HUB, self.far)

    def _carrier(self, store: MemoryStore, way: Way, medium: MailboxConnection) -> LetterCarrier:
        def floor() -> Priority | None:
            return self.floor if way is Way.FROM_SITE else Priority.BULK

        return LetterCarrier(
            correspondence(store, way), medium, VirtualClock(), floor=floor, observer=self._hear
        )

    def _hear(self, told: Told) -> None:
        self.told.append(told)
        self.heard.set()

    async def hear(self) -> None:
        """Wait for something to be told."""
        self.heard.clear()
        await self.heard.wait()

    async def settle(self) -> None:
        """Until neither has anything pending."""
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            for carrier in (self.of_site, self.of_hub):
                group.create_task(carrier.run())
            while (await self.site.open_session()).pending or (await self.hub.open_session()).pending:
                await self.hear()
            await self.near.close()
            await self.far.close()


@pytest.mark.parametrize("seed", range(4))
def test_all_arrives_both_ways_whatever_the_medium_does(seed: int) -> None:
    async def scenario() -> None:
        ends = Ends(Post(lost_share=0.4, copied_share=0.4, displaced_by_max=5, seed=seed))
        offers = [await add(ends.site, f"case {number}", 700) for number in range(4)]
        offers += [await add(ends.hub, f"reply {number}", 400) for number in range(3)]
        await ends.settle()
        came = [offer for told in ends.told if isinstance(told, LetterRead) for offer in told.received]
        assert sorted(offer.bundle_id for offer in came) == sorted(offer.bundle_id for offer in offers)

    run_virtual(scenario())


def test_what_may_not_go_waits_until_it_may() -> None:
    async def scenario() -> None:
        ends = Ends(Post())
        ends.floor = None
        await add(ends.site, "case", 100)
        async with asyncio.TaskGroup() as group:
            group.create_task(ends.of_site.run())
            await asyncio.sleep(0)
            assert ends.told == []
            ends.floor = Priority.BULK
            ends.of_site.stir()
            await ends.hear()
            await ends.near.close()

    run_virtual(scenario())


def test_what_is_no_letter_is_told_and_stops_nothing() -> None:
    async def scenario() -> None:
        ends = Ends(Post())
        await ends.near.send(b"an advertisement of the carrier's")
        await add(ends.site, "case", 100)
        await ends.settle()
        assert [type(told) for told in ends.told].count(LetterRead) == 2
        assert sum(isinstance(told, ProtocolError) for told in ends.told) == 1

    run_virtual(scenario())


def test_a_medium_that_fails_says_so() -> None:
    async def scenario() -> None:
        ends = Ends(Post())
        await add(ends.site, "case", 100)
        ends.near.fails = True
        with pytest.raises(LinkError, match="no coverage"):
            await ends.of_site.run()

    run_virtual(scenario())


def test_a_medium_that_cannot_carry_the_letters_is_refused() -> None:
    near, _ = mailbox_link()
    longer = LetterTerms(letter_bytes_max=UNIT_BYTES_MAX + 1, answer_s=100.0, spread_s=10.0)
    with pytest.raises(ValueError, match="carries 340 bytes"):
        LetterCarrier(correspondence(new_store(1), Way.FROM_SITE, longer), near, VirtualClock())

    async def scenario() -> None:
        stream, _ = memory_link()
        with pytest.raises(ValueError, match="carries no whole messages"):
            LetterCarrier(correspondence(new_store(1), Way.FROM_SITE), stream, VirtualClock())

    run_virtual(scenario())
