"""What overtook its introduction is kept, but little of it and not for long."""

from __future__ import annotations

import pytest

from protocol.datagrams import introduction_of
from sync.core import BundleReceived
from sync.links.datagram_sizes import UNIT_BYTES
from sync.links.udp_strays import STRAY_BYTES_MAX, STRAY_S, STRAYS_EACH_MAX, STRAYS_MAX, Strays

from .datagram_contact import Contact, End, add, contact, new_store
from .lossy_link import Conditions

TEXTS, TEXT_BYTES = 4, 900


def test_what_is_kept_is_given_once_and_to_nobody_else() -> None:
    strays: Strays[int] = Strays()
    strays.keep(1, b"one", 0.0)
    strays.keep(1, b"two", 0.1)
    assert strays.take(2, 0.2) == []
    assert strays.take(1, 0.2) == [b"one", b"two"]
    assert strays.take(1, 0.2) == []


def test_what_waited_too_long_is_gone() -> None:
    strays: Strays[int] = Strays()
    strays.keep(1, b"old", 0.0)
    assert strays.take(1, STRAY_S + 0.1) == []
    strays.keep(1, b"old", 10.0)
    strays.keep(1, b"new", 10.1 + STRAY_S)
    assert strays.take(1, 10.1 + STRAY_S) == [b"new"]


def test_a_flood_holds_no_more_than_its_room() -> None:
    strays: Strays[int] = Strays()
    for address in range(3 * STRAYS_MAX):
        for _ in range(2 * STRAYS_EACH_MAX):
            strays.keep(address, b"flood", 0.0)
    taken = [len(strays.take(address, 0.0)) for address in range(3 * STRAYS_MAX)]
    assert sum(taken) == STRAYS_MAX * STRAYS_EACH_MAX
    assert taken[-1] == STRAYS_EACH_MAX, "the latest are kept"


def test_what_is_longer_than_any_of_ours_is_not_kept() -> None:
    strays: Strays[int] = Strays()
    strays.keep(1, bytes(STRAY_BYTES_MAX + 1), 0.0)
    assert strays.take(1, 0.0) == []
    strays.keep(1, bytes(STRAY_BYTES_MAX), 0.0)
    assert strays.take(1, 0.0) == [bytes(STRAY_BYTES_MAX)]


class Door(End):
    """A hub behind its listener, which hears nothing of a caller before it was introduced."""

    lost = 0
    """So many of the first do not come."""
    is_open = False
    strays: Strays[int]

    def arrive(self, datagram: bytes) -> None:
        now = self.world.now
        if self.lost:
            self.lost -= 1
        elif not self.is_open and introduction_of(datagram) is None:
            self.strays.keep(1, datagram, now)
        else:
            self.is_open = True
            for each in (datagram, *self.strays.take(1, now)):
                super().arrive(each)


def texts_over(link: Conditions, *, lost: int) -> Contact:
    """A node has a few texts for a hub; its first datagrams are lost."""
    node = new_store(1)
    for number in range(TEXTS):
        add(node, TEXT_BYTES, seed=number)
    met = contact(node, new_store(2), link)
    hub = met.hub
    door = met.hub = Door(hub.world, hub.session, hub.store, hub.transport, hub.line, hub.name, peer=met.node)
    met.node.peer, door.lost, door.strays = door, lost, Strays()
    return met.run(until=120)


@pytest.mark.parametrize("rate_bit_s", [2_400, 9_600, 22_000])
def test_where_the_introduction_is_lost_what_came_behind_it_is_not_sent_again(rate_bit_s: int) -> None:
    link = Conditions(rate_bit_s=rate_bit_s, delay_s=0.6)
    undisturbed, met = texts_over(link, lost=0), texts_over(link, lost=1)
    assert len(met.hub.times_of(BundleReceived)) == TEXTS
    more_bytes = met.node.line.sent_bytes - undisturbed.node.line.sent_bytes
    assert more_bytes <= 2 * UNIT_BYTES, "the one that was lost, and a knock"
