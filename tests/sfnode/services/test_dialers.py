"""The link's settings choose the dialer, and what one has learnt serves the next contact."""

from __future__ import annotations

import math

import pytest

from protocol.ids import Incarnation, Pseudonym
from sfnode.config import LinkSettings
from sfnode.errors import NotEnrolled
from sfnode.services.contact import Pair
from sfnode.services.dialers import Dialers
from sfnode.services.pace import remind
from sync.links.http import HttpDialer
from sync.links.rate_memory import STALE_S, RateMemory
from sync.links.udp import UdpDialer
from sync.scheduler import Measured
from sync.stores import MemoryStore

PAIR = Pair(
    pseudonym=Pseudonym(b"pair"),
    link_secret=bytes(32),
    store=MemoryStore(lambda: Incarnation(b"life")),
)
HUB = "http://hub.example:8470"
UDP = "udp://hub.example:8471"


def test_datagrams_where_an_address_for_them_is_set() -> None:
    dialers = Dialers()
    assert isinstance(dialers(LinkSettings(hub_url=HUB), PAIR), HttpDialer)
    assert isinstance(dialers(LinkSettings(hub_url=HUB, udp=UDP), PAIR), UdpDialer)
    assert isinstance(dialers(LinkSettings(hub_url=HUB, udp=""), PAIR), HttpDialer)


def test_without_a_hub_nobody_can_be_dialled() -> None:
    with pytest.raises(NotEnrolled):
        Dialers()(LinkSettings(), PAIR)


def test_a_rate_that_was_found_is_kept_for_the_next_contact_and_not_for_another_link() -> None:
    dialers, link = Dialers(), LinkSettings(hub_url=HUB, udp=UDP)
    first = dialers(link, PAIR)
    assert isinstance(first, UdpDialer)
    first.remember(RateMemory(8000.0, 0.6, is_proven=True))
    again = dialers(link, PAIR)
    assert isinstance(again, UdpDialer)
    assert again.memory.rate_bytes_s == 8000.0
    remind(again, Measured(rate_bytes_s=9000.0, rtt_s=0.5, contacts=3), 60.0)
    assert again.memory == RateMemory(8000.0, 0.6, is_proven=True), "what this process found stays"
    other = dialers(LinkSettings(hub_url=HUB, udp="udp://other.example:8471"), PAIR)
    assert isinstance(other, UdpDialer)
    assert not other.memory.is_proven


@pytest.mark.parametrize(("age_s", "is_proven"), [(60.0, True), (STALE_S, False), (math.inf, False)])
def test_a_rate_that_an_earlier_process_measured_is_trusted_while_it_is_fresh(
    age_s: float, is_proven: bool
) -> None:
    dialer = Dialers()(LinkSettings(hub_url=HUB, udp=UDP), PAIR)
    remind(dialer, Measured(rate_bytes_s=9000.0, rtt_s=0.5, contacts=3), age_s)
    assert isinstance(dialer, UdpDialer)
    assert dialer.memory == RateMemory(9000.0, 0.5, is_proven=is_proven)


def test_who_left_the_rate_as_it_was_has_told_nothing() -> None:
    untold = Dialers()(LinkSettings(hub_url=HUB, udp=UDP), PAIR)
    told = Dialers()(LinkSettings(hub_url=HUB, udp=UDP, rate_bit_s=2_400), PAIR)
    assert isinstance(untold, UdpDialer)
    assert isinstance(told, UdpDialer)
    assert (untold.memory.is_told, told.memory.is_told) == (False, True)
