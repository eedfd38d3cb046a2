"""What sessions over datagrams cost and how long they take, on simulated links, at the level of IP.

`python -m tests.sync.links.datagram_figures [NAME …]` prints the table; `test_datagram_figures` holds the
short rows to it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from statistics import median

from protocol.header import Priority
from sync.core import BundleReceived, Ending, Event
from sync.links.rate_memory import RateMemory
from sync.ports import Rank
from sync.stores import MemoryStore

from .datagram_contact import Contact, End, add, contact, new_store
from .datagram_overtaking import OWN_S, usual_s, worst_s, worst_unknown_s
from .lossy_link import Conditions

CASE_BYTES = 761
"""The text of a consult with its readings, sealed."""
REPLY_BYTES = 500
PIECE_BYTES = 10_000_000
"""A bundle's bytes at most, about."""
PHOTOGRAPHS_BYTES = (303_000, 156_000, 115_000)
SEEDS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run."""

    seconds: float
    ip_bytes: int
    useful_bytes: int
    met: Contact

    @property
    def overhead_bytes(self) -> int:
        return self.ip_bytes - self.useful_bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what is measured, and what it must and should not exceed."""

    name: str
    unit: str
    required: float
    stretch: float
    measure: Callable[[int], float]
    more_is_better: bool = False


def received_at(end: End, size_bytes: int) -> float:
    """When a bundle of that size was durable there; infinite if it never was."""
    return next(
        (
            at
            for at, event in end.observed
            if isinstance(event, BundleReceived) and event.offer.size_bytes == size_bytes
        ),
        float("inf"),
    )


def ip_bytes(met: Contact) -> int:
    return met.node.line.sent_bytes + met.hub.line.sent_bytes


def answered(
    up: Conditions,
    down: Conditions | None = None,
    *,
    seed: int,
    photographs: Iterable[int] = (),
    priority: Priority = Priority.ROUTINE,
    reply_bytes: int = REPLY_BYTES,
    memory: RateMemory | None = None,
    history: bool = False,
    until: float = 1200.0,
) -> Contact:
    """A consult whose reply is written the moment its text is at the hub."""
    node, hub = new_store(seed), new_store(seed + 1)
    if history:
        earlier(node, hub, up, seed=seed)
    add(node, CASE_BYTES, seed=seed + 2, priority=Priority.URGENT)
    for number, size_bytes in enumerate(photographs):
        add(node, size_bytes, seed=seed + 3 + number, priority=priority, rank=Rank.STANDARD)
    met = contact(node, hub, up, down, memory=memory, seed=seed)
    end = met.hub

    def reply_once(event: Event) -> None:
        if isinstance(event, BundleReceived) and event.offer.size_bytes == CASE_BYTES:
            add(hub, reply_bytes, seed=seed + 20, priority=Priority.URGENT)
            end.session.outgoing_changed(met.world.now)

    end.reaction = reply_once
    return met.run(until=until)


def earlier(node: MemoryStore, hub: MemoryStore, link: Conditions, *, seed: int, count: int = 4) -> None:
    """What the pair exchanged before."""
    for number in range(count):
        add(node, 700, seed=seed + 1000 + number)
        add(hub, 300, seed=seed + 2000 + number)
    clear = Conditions(rate_bit_s=link.rate_bit_s, delay_s=link.delay_s)
    contact(node, hub, clear, seed=seed + 300).run(until=600)


def exchange(link: Conditions, up_bytes: int, down_bytes: int, *, seed: int, history: int = 4) -> Measured:
    """Both sides have one bundle, or none, when the session begins; they had `history` each before."""
    node, hub = new_store(seed), new_store(seed + 1)
    if history:
        earlier(node, hub, link, seed=seed, count=history)
    if up_bytes:
        add(node, up_bytes, seed=seed + 2)
    if down_bytes:
        add(hub, down_bytes, seed=seed + 3)
    met = contact(node, hub, link, seed=seed + 4).run(until=600)
    assert met.node.ended is not None
    assert met.node.ended.ending is Ending.DONE
    return Measured(met.node.observed[-1][0], ip_bytes(met), up_bytes + down_bytes, met)


def bulk(
    link: Conditions, size_bytes: int, *, seed: int, memory: RateMemory | None, until: float = 400.0
) -> float:
    """Bits per second from the first byte sent to the last one durable."""
    node, hub = new_store(seed), new_store(seed + 1)
    pieces = -(-size_bytes // PIECE_BYTES)
    for number in range(pieces):
        add(node, size_bytes // pieces + number, seed=seed + 2 + number, priority=Priority.BULK)
    met = contact(node, hub, link, seed=seed, memory=memory).run(until=until)
    arrivals = met.hub.times_of(BundleReceived)
    return size_bytes * 8 / (max(arrivals) - met.node.line.sent[0][0]) if len(arrivals) == pieces else 0.0


GUESS = RateMemory(2_750.0, 0.9)
"""What a node believes of a link that it was told nothing of."""
SLOW = Conditions(rate_bit_s=2_400, delay_s=0.75)
MODEM = Conditions(rate_bit_s=64_000, delay_s=0.3)


def _geo(loss: float) -> Conditions:
    return Conditions(rate_bit_s=10_000_000, delay_s=0.3, queue_bytes=750_000, loss=loss)


def _case_a(up_bit_s: float, down_bit_s: float, rtt_s: float, loss: float, seed: int) -> float:
    up = Conditions(rate_bit_s=up_bit_s, delay_s=rtt_s / 2, loss=loss)
    down = Conditions(rate_bit_s=down_bit_s, delay_s=rtt_s / 2, loss=loss)
    return received_at(answered(up, down, seed=seed, until=200).node, REPLY_BYTES)


def _done_at(met: Contact) -> float:
    """When the last photograph was at the hub and the reply at the site."""
    arrivals = [received_at(met.hub, size) for size in PHOTOGRAPHS_BYTES]
    return max(*arrivals, received_at(met.node, REPLY_BYTES))


def _case_c(link: Conditions, seed: int, *, memory: RateMemory | None = None) -> Contact:
    return answered(link, seed=seed, photographs=PHOTOGRAPHS_BYTES, memory=memory)


def _useful_share(met: Contact) -> float:
    return ip_bytes(met) / (CASE_BYTES + REPLY_BYTES + sum(PHOTOGRAPHS_BYTES))


def _periods(
    up_s: float, down_s: float, *, late_s: float = 0.0, count: int = 60
) -> tuple[tuple[float, float], ...]:
    """The contact begins in the middle of a bright period, or somewhat before it."""
    begins = [(up_s + down_s) * number + up_s / 2 + late_s for number in range(count)]
    return tuple((begin, begin + down_s) for begin in begins)


def _gaps(seed: int) -> tuple[tuple[float, float], ...]:
    """As the bench draws them."""
    chosen = random.Random(f"gaps/{seed}")
    at, gaps = 0.0, []
    for _ in range(40):
        at += chosen.uniform(30, 90)
        gap_s = chosen.uniform(10, 40)
        gaps.append((at, at + gap_s))
        at += gap_s
    return tuple(gaps)


def _fleet(seed: int) -> Contact:
    return _case_c(Conditions(rate_bit_s=512_000, delay_s=0.325, loss=0.02), seed)


def _periodic(seed: int) -> Contact:
    """Nothing is lost at random here: what a seed changes is how far the sender is when it becomes dark."""
    dark = _periods(40, 20, late_s=0.037 * seed)
    return _case_c(Conditions(rate_bit_s=128_000, delay_s=0.5, dark=dark), seed)


def _gappy(seed: int) -> Contact:
    up, down = (
        Conditions(rate_bit_s=rate_bit_s, delay_s=0.45, dark=_gaps(seed)) for rate_bit_s in (22_000, 88_000)
    )
    return answered(up, down, seed=seed, photographs=PHOTOGRAPHS_BYTES, priority=Priority.URGENT)


def _gappy_ratio(seed: int) -> float:
    """Time over the least possible: every byte once, in the light."""
    met = _gappy(seed)
    left_s = (CASE_BYTES + sum(PHOTOGRAPHS_BYTES)) * 8 / 22_000
    at = 0.0
    for start, end in _gaps(seed):
        if left_s <= start - at:
            break
        left_s -= start - at
        at = end
    return _done_at(met) / (at + left_s + 0.45)


def _told_100_kb(seed: int, memory: RateMemory | None) -> float:
    return bulk(MODEM, 100_000, seed=seed, memory=memory) / MODEM.rate_bit_s * 100


def _bulk_mbit_s(seed: int, loss: float, memory: RateMemory | None) -> float:
    return bulk(_geo(loss), 20_000_000, seed=seed, memory=memory) / 1e6


def _text_at(seed: int) -> float:
    met = _case_c(Conditions(rate_bit_s=128_000, delay_s=0.5), seed)
    return received_at(met.hub, CASE_BYTES)


def _exchange(seed: int, up_bytes: int, down_bytes: int, *, history: int = 4) -> Measured:
    return exchange(SLOW, up_bytes, down_bytes, seed=seed, history=history)


REMEMBERED = RateMemory(1_250_000, 0.6, is_proven=True)
ROWS = (
    Row("2000+200 seconds", "s", 9.8, 9.4, lambda seed: _exchange(seed, 2000, 200).seconds),
    Row("2000+200 overhead", "B", 300, 200, lambda seed: _exchange(seed, 2000, 200).overhead_bytes),
    Row(
        "2000+200 overhead, first contact",
        "B",
        300,
        200,
        lambda seed: _exchange(seed, 2000, 200, history=0).overhead_bytes,
    ),
    Row(
        "2000+200 overhead, after 150 each way",
        "B",
        300,
        200,
        lambda seed: _exchange(seed, 2000, 200, history=150).overhead_bytes,
    ),
    Row("nothing new", "B", 200, 140, lambda seed: _exchange(seed, 0, 0).ip_bytes),
    Row(
        "nothing new, first contact",
        "B",
        200,
        140,
        lambda seed: _exchange(seed, 0, 0, history=0).ip_bytes,
    ),
    Row("100 kB at 64 kbit/s", "%", 92, 95, partial(_told_100_kb, memory=None), more_is_better=True),
    Row("100 kB at 64, not told", "%", 92, 95, partial(_told_100_kb, memory=GUESS), more_is_better=True),
    *(
        Row(
            f"20 MB, {loss:.0%}, {name}",
            "Mbit/s",
            7.5,
            8.5,
            partial(_bulk_mbit_s, loss=loss, memory=memory),
            more_is_better=True,
        )
        for name, memory in (("remembered", REMEMBERED), ("cold", GUESS))
        for loss in (0.01, 0.05)
    ),
    Row("case A 2.4 kbit/s 1 %", "s", 10.0, 8.5, partial(_case_a, 2_400, 2_400, 1.8, 0.01)),
    Row("case A 22/88 kbit/s", "s", 2.0, 1.6, partial(_case_a, 22_000, 88_000, 0.9, 0.0)),
    Row("case A 128/256 kbit/s", "s", 1.5, 1.2, partial(_case_a, 128_000, 256_000, 1.0, 0.0)),
    Row("case A 512 kbit/s 2 %", "s", 1.0, 0.8, partial(_case_a, 512_000, 512_000, 0.65, 0.02)),
    Row("case C 512 kbit/s 2 %", "s", 11.5, 10.5, lambda seed: _done_at(_fleet(seed))),
    Row("case C 128 kbit/s 40/20", "s", 63, 60, lambda seed: _done_at(_periodic(seed))),
    Row("case C 128 kbit/s 40/20 bytes", "x", 1.10, 1.05, lambda seed: _useful_share(_periodic(seed))),
    Row("case C 22 kbit/s gaps", "s", 310, 300, lambda seed: _done_at(_gappy(seed))),
    Row("case C 22 kbit/s gaps, to the bound", "x", 1.08, 1.045, _gappy_ratio),
    Row("case C 22 kbit/s gaps bytes", "x", 1.10, 1.05, lambda seed: _useful_share(_gappy(seed))),
    Row("case C text at hub", "s", 0.9, 0.75, _text_at),
    Row("emergency behind 5 MB", "s", OWN_S + 3, OWN_S + 2, usual_s),
    Row("emergency behind 5 MB, worst of eight", "s", OWN_S + 3, OWN_S + 2, worst_s),
    Row(
        "emergency behind 5 MB, link not told",
        "s",
        OWN_S + 3,
        OWN_S + 2,
        partial(worst_unknown_s, memory=GUESS),
    ),
)


def measured(row: Row) -> str:
    """One line of the table."""
    values = [row.measure(seed) for seed in SEEDS]
    middle = median(values)
    sign = -1 if row.more_is_better else 1
    reached = [sign * middle <= sign * limit for limit in (row.required, row.stretch)]
    return (
        f"{'*' * sum(reached):2} {row.name:38} {middle:9.2f} {row.unit:7} required {row.required:g} "
        f"stretch {row.stretch:g}   [{min(values):.2f} … {max(values):.2f}]\n"
    )


def main(wanted: list[str]) -> None:
    for row in ROWS:
        if not wanted or any(word in row.name for word in wanted):
            sys.stdout.write(measured(row))
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
