"""The worlds that speed is measured with: nothing fails in them, and their cases are really answered."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable

import pytest

from protocol.sealing import HpkeSealer, Sealer
from simulations.hosts.sealer import EqualSizeSealer
from simulations.seeded.calm import CASES_PER_DAY, draw_calm
from simulations.seeded.consult_schedule import NewConsult
from simulations.seeded.consult_world import Setup, play_consults
from sync.driver import Setting
from sync.links.datagram_transport import DatagramTransport
from sync.links.udp_connection import UdpConnection


def test_cases_come_as_often_as_said() -> None:
    schedule = draw_calm(1, sites=20, days=100)
    cases = sum(isinstance(act, NewConsult) for _, act in schedule.acts)
    assert cases / 2_000 == pytest.approx(CASES_PER_DAY, rel=0.1)


@pytest.mark.parametrize("sealer", [EqualSizeSealer, lambda: HpkeSealer(os.urandom)])
def test_a_calm_world_breaks_no_law_and_every_case_is_answered(sealer: Callable[[], Sealer]) -> None:
    schedule = draw_calm(4, sites=1, days=4)
    cases = sum(isinstance(act, NewConsult) for _, act in schedule.acts)
    court = play_consults(schedule, setup=Setup(sealer=sealer, watched=False))
    court.require("a calm world")
    assert cases >= 1
    assert court.heard["CaseTaken"] >= cases
    assert court.heard["OrderEnded"] >= cases


def test_contacts_leave_no_rings_of_garbage() -> None:
    """Looking for them took a tenth of a hub's time; what a contact held goes when it is over."""
    schedule = draw_calm(2, sites=1, days=2)
    gc.collect()
    gc.disable()
    try:
        play_consults(schedule, setup=Setup(watched=False, encrypts=False))
        held = Counter(type(each) for each in gc.get_objects())
    finally:
        gc.enable()
    # The listener forgets the last caller after a while only; the machine goes before that.
    assert held[DatagramTransport] <= 2
    assert held[UdpConnection] <= 2
    assert held[Setting] <= 2
