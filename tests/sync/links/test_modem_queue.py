"""What lies in a modem stays short, whatever its true rate is; and what is urgent waits for one chunk."""

from __future__ import annotations

from collections import deque

import pytest

from sync.links.modem_queue import FIRST_FLIGHT_BYTES, LOOK_S, ModemQueue
from sync.links.packet_sizes import LEAD_S

CHUNK_BYTES = 542
MORE_THAN_ASKED_BYTES = 100_000
HEADERS_BYTES = 52


class Modem:
    """A line of some rate and delay, and the acknowledgements of what went through it."""

    def __init__(self, rate_bit_s: int, rtt_s: float) -> None:
        self.rate_bytes_s = rate_bit_s / 8
        self.rtt_s = rtt_s
        self.free_at = 0.0
        self.arrivals: deque[tuple[float, int]] = deque()
        self.unacknowledged = 0
        self.longest_queue_s = 0.0

    def take(self, size_bytes: int, now: float) -> None:
        self.longest_queue_s = max(self.longest_queue_s, self.free_at - now)
        self.free_at = max(self.free_at, now) + (size_bytes + HEADERS_BYTES) / self.rate_bytes_s
        answered_at = self.free_at + self.rtt_s + HEADERS_BYTES / self.rate_bytes_s
        self.arrivals.append((answered_at, size_bytes))
        self.unacknowledged += size_bytes

    def unacknowledged_bytes(self, now: float) -> int:
        while self.arrivals and self.arrivals[0][0] <= now:
            self.unacknowledged -= self.arrivals.popleft()[1]
        return self.unacknowledged


def carried(modem: Modem, queue: ModemQueue, until: float, settled_s: float = 0.0) -> int:
    """Bytes handed over by then, by a sender that always has more; the first flight is behind us."""
    now, handed_bytes = 0.0, 0
    queue.took(FIRST_FLIGHT_BYTES, now)
    modem.take(FIRST_FLIGHT_BYTES, now)
    modem.longest_queue_s = 0.0
    shortest_s = modem.rtt_s + 2 * HEADERS_BYTES / modem.rate_bytes_s
    while now < until and handed_bytes < MORE_THAN_ASKED_BYTES:
        if now < settled_s:
            modem.longest_queue_s = 0.0
        if wait_s := queue.room_in_s(modem.unacknowledged_bytes(now), shortest_s, now):
            now += wait_s
            continue
        modem.take(CHUNK_BYTES, now)
        queue.took(CHUNK_BYTES, now)
        handed_bytes += CHUNK_BYTES
        now += 0.001
    return handed_bytes


@pytest.mark.parametrize("rtt_s", [0.05, 0.6, 1.5, 3.0])
def test_a_thin_link_is_kept_busy_with_less_than_a_chunk_in_its_queue(rtt_s: float) -> None:
    modem, queue = Modem(2_400, rtt_s), ModemQueue(2_400)
    handed_bytes = carried(modem, queue, until=250.0, settled_s=30.0)
    assert handed_bytes * 8 / 250 > 0.95 * 2_400 * CHUNK_BYTES / (CHUNK_BYTES + HEADERS_BYTES)
    assert modem.longest_queue_s < LEAD_S + 5 * LOOK_S


def test_a_link_slower_than_believed_holds_no_more_than_a_chunk_or_two() -> None:
    modem, queue = Modem(1_200, 0.6), ModemQueue(2_400)
    carried(modem, queue, until=600.0, settled_s=60.0)
    chunk_s = (CHUNK_BYTES + HEADERS_BYTES) * 8 / 1_200
    assert modem.longest_queue_s < 2 * chunk_s


def test_a_link_far_faster_than_believed_is_soon_left_to_the_kernel() -> None:
    modem, queue = Modem(1_000_000, 0.2), ModemQueue(2_400)
    assert carried(modem, queue, until=30.0) > MORE_THAN_ASKED_BYTES


def test_a_first_flight_is_not_held_back() -> None:
    queue = ModemQueue(2_400)
    queue.took(FIRST_FLIGHT_BYTES - 1, 0.0)
    assert queue.room_in_s(FIRST_FLIGHT_BYTES - 1, 0.6, 0.0) == 0.0
    queue.took(1, 0.0)
    assert queue.room_in_s(FIRST_FLIGHT_BYTES, 0.6, 0.0) > 0.0


def test_a_fast_link_is_never_held_back() -> None:
    queue = ModemQueue(64_000)
    queue.took(1_000_000, 0.0)
    assert queue.room_in_s(1_000_000, 0.6, 0.0) == 0.0


def test_what_answers_what_came_in_takes_its_place_in_the_queue() -> None:
    silent, answering = ModemQueue(2_400), ModemQueue(2_400)
    for queue in (silent, answering):
        queue.took(FIRST_FLIGHT_BYTES, 0.0)
    answering.heard(0.0)
    free_at = (FIRST_FLIGHT_BYTES + HEADERS_BYTES) / 300 - LEAD_S + 0.01
    assert silent.room_in_s(FIRST_FLIGHT_BYTES, 0.6, free_at) == 0.0
    assert answering.room_in_s(FIRST_FLIGHT_BYTES, 0.6, free_at) > 0.0
