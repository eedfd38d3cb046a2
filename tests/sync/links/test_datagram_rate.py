"""Beside a flow of CUBIC we take a fair share of a clean link, and give it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frames import Data
from protocol.framing import encode_frame
from protocol.header import Priority
from sync.links.datagram_flight import RoundTrip
from sync.links.datagram_rate import RateControl
from sync.links.rate_memory import STALE_S, RateMemory

from .cubic_flow import CubicFlow
from .datagram_contact import add, contact, new_store
from .datagram_figures import bulk
from .lossy_link import Conditions, joined
from .test_datagram_boxes import offer

BUNDLE_BYTES = 16_000_000
CHUNK_BYTES = 8_000


def shares(rate_bit_s: float, rtt_s: float, queue_bytes: int, *, ours_at: float, cubic_at: float) -> float:
    """Our part of what both carried, from twenty seconds after the later one's start on."""
    link = Conditions(rate_bit_s=rate_bit_s, delay_s=rtt_s / 2, queue_bytes=queue_bytes)
    world, dialer, listener = joined(link, memory=RateMemory(rate_bit_s / 8, rtt_s, is_proven=True))
    flow = CubicFlow(world, dialer.line, listener.line, rtt_s)
    settled_at = max(ours_at, cubic_at) + 20.0
    ours = sent = 0

    def heard(message: bytes) -> None:
        nonlocal ours
        ours += len(message) if world.now > settled_at else 0
        listener.received.clear()

    def refill() -> None:
        nonlocal sent
        while dialer.transport.has_room:
            number, offset = divmod(sent, BUNDLE_BYTES)
            if offset == 0:
                dialer.write(encode_frame(offer(number + 1, BUNDLE_BYTES)))
            dialer.write(encode_frame(Data(number + 1, offset, bytes(CHUNK_BYTES))))
            sent += CHUNK_BYTES

    def begin() -> None:
        dialer.refill = refill
        dialer.settle()

    listener.heard = heard
    world.at(ours_at, begin)
    world.at(cubic_at, flow.pump)
    world.run(until=settled_at + 80.0)
    theirs = flow.arrived_bytes_after(settled_at)
    assert (ours + theirs) * 8 / 80.0 > 0.85 * rate_bit_s, "together they fill the link"
    return ours / (ours + theirs)


@pytest.mark.parametrize(
    ("rate_bit_s", "rtt_s", "queue_bytes", "ours_at", "cubic_at"),
    [
        (5_000_000, 0.6, 200_000, 0.0, 10.0),
        (2_000_000, 0.1, 50_000, 0.0, 10.0),
        (2_000_000, 0.1, 50_000, 10.0, 0.0),
        (1_000_000, 0.6, 75_000, 0.0, 0.1),
        (512_000, 0.65, 40_000, 10.0, 0.0),
        (128_000, 1.0, 16_000, 10.0, 0.0),
        (128_000, 1.0, 16_000, 0.0, 10.0),
        (128_000, 0.3, 10_000, 0.0, 10.0),
        (64_000, 0.6, 10_000, 10.0, 0.0),
    ],
)
def test_a_clean_link_is_shared(
    rate_bit_s: float, rtt_s: float, queue_bytes: int, ours_at: float, cubic_at: float
) -> None:
    share = shares(rate_bit_s, rtt_s, queue_bytes, ours_at=ours_at, cubic_at=cubic_at)
    assert 0.25 <= share <= 0.75


def test_beside_a_full_queue_we_do_not_starve_who_was_there_before() -> None:
    """The queue looks like distance to who comes later, until the link is left half empty for a moment."""
    assert 0.25 <= shares(5_000_000, 0.6, 200_000, ours_at=10.0, cubic_at=0.0) <= 0.75


def test_what_was_remembered_long_ago_is_a_guess() -> None:
    memory = RateMemory(16_000, 0.6, is_proven=True)
    assert memory.aged(60) == memory
    assert memory.aged(STALE_S) == RateMemory(16_000, 0.6, is_proven=False)
    assert memory.aged(-5) == RateMemory(16_000, 0.6, is_proven=False), "a clock that jumped tells no age"


@pytest.mark.parametrize("is_proven", [True, False])
def test_a_link_that_became_thin_is_not_flooded(is_proven: bool) -> None:
    """It was a megabit and is 64 kbit/s: what a round trip of the old rate has queued drains, once."""
    node, hub = new_store(1), new_store(2)
    add(node, 200_000, seed=3, priority=Priority.BULK)
    link = Conditions(rate_bit_s=64_000, delay_s=0.3)
    met = contact(node, hub, link, memory=RateMemory(125_000, 0.6, is_proven=is_proven))
    queues: list[tuple[float, float]] = []

    def look() -> None:
        queues.append((met.world.now, met.node.line.queued_bytes / 8_000))
        if not met.node.is_done:
            met.world.at(met.world.now + 0.1, look)

    met.world.at(0.1, look)
    met.run(until=120)
    first_flight_s = 64 * 1024 / 8_000 if is_proven else 36_864 / 8_000
    assert max(queue_s for _, queue_s in queues) <= first_flight_s + 1.0
    assert max(queue_s for at, queue_s in queues if at > 14) <= 1.6
    assert met.node.transport.memory.rate_bytes_s == pytest.approx(8_000, rel=0.1)


def test_a_remembered_rate_that_is_far_too_low_is_outgrown_in_spite_of_losses() -> None:
    """A busy machine had measured itself: growth of a quarter, less what is lost, was taken for none."""
    geo = Conditions(rate_bit_s=10_000_000, delay_s=0.3, queue_bytes=750_000, loss=0.05)
    remembered = RateMemory(200_000, 0.6, is_proven=True)
    assert bulk(geo, 12_000_000, seed=1, memory=remembered) >= 4_500_000


class Recomputed(RateControl):
    """One that works its rate out anew, whoever asks."""

    @property
    def rate_bytes_s(self) -> float:
        return self.found_bytes_s()


@given(
    words=st.lists(
        st.tuples(
            st.sampled_from(("pair", "weigh", "heard", "lost")),
            st.floats(500.0, 2e6),
            st.floats(0.001, 3.0),
            st.integers(60, 1_400),
            st.booleans(),
        ),
        max_size=40,
    ),
    is_proven=st.booleans(),
)
def test_the_rate_between_two_words_is_that_of_the_last(
    words: list[tuple[str, float, float, int, bool]], is_proven: bool
) -> None:
    round_trip = RoundTrip(0.6)
    memory = RateMemory(8_000.0, 0.6, is_proven=is_proven)
    both = RateControl(memory, round_trip), Recomputed(memory, round_trip)
    confirmed_bytes, now = 0, 0.0
    for word, rate_bytes_s, span_s, size_bytes, flag in words:
        now += span_s
        round_trip.measure(span_s, size_bytes, both[1].rate_bytes_s, now)
        confirmed_bytes += size_bytes
        for rate in both:
            match word:
                case "pair":
                    rate.pair(rate_bytes_s)
                case "weigh":
                    rate.weigh(span_s, size_bytes)
                case "lost":
                    rate.lost(now - span_s, now)
                case _:
                    rate.heard(
                        rate_bytes_s,
                        spread_bytes_s=rate_bytes_s if flag else None,
                        limited=flag,
                        newly_confirmed=1,
                        confirmed_bytes=confirmed_bytes,
                        newest_confirmed_bytes=confirmed_bytes - size_bytes,
                        in_flight_bytes=size_bytes,
                        now=now,
                    )
        kept, anew = ((each.mode, each.rate_bytes_s, each.pace_bytes_s, each.window_bytes) for each in both)
        assert kept == anew
