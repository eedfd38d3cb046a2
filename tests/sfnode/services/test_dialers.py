"""The link's settings choose the dialer, and what one has learnt serves the next contact."""

from __future__ import annotations

import pytest

from protocol.ids import Incarnation, Pseudonym
from sfnode.config import LinkSettings
from sfnode.errors import NotEnrolled
from sfnode.services.contact import Pair
from sfnode.services.dialers import Dialers
from sync.links.datagram_rate import RateMemory
from sync.links.http import HttpDialer
from sync.links.udp import UdpDialer
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
    other = dialers(LinkSettings(hub_url=HUB, udp="udp://other.example:8471"), PAIR)
    assert isinstance(other, UdpDialer)
    assert not other.memory.is_proven
