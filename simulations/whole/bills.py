"""What the contacts of a site cost: the bytes that its wires saw, by the tariffs of its links.

The product's own account knows what it sent and got. A carrier bills lost packets too, so the wire decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from simulations.world.world import DAY_S

from .disks import DiaryRow
from .links import Laid
from .moments import RunTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """One contact, or a run of attempts that failed alike."""

    link: str
    began_s: float
    ended_s: float
    reached: bool
    attempts: int
    bytes_up: int
    bytes_down: int
    usd: float
    own_usd: float
    """By the site's own account."""

    @property
    def day(self) -> int:
        return int(self.began_s // DAY_S)


def bill(
    laid: Sequence[Laid], diary: Iterable[DiaryRow], *, time: RunTime, until_s: float
) -> tuple[Paid, ...]:
    """Every contact that began before `until_s`, with what went over its link until the next one began."""
    rows = sorted(diary, key=lambda row: row.contact)
    paid: list[Paid] = []
    for link in laid:
        own = [row for row in rows if row.link == link.settings.name]
        own = own[_before(own, time) :]
        begins_s = [time.of_wall_s(row.began_s) for row in own]
        up, down = _Meter(link.wire.up.billed), _Meter(link.wire.down.billed)
        for place, row in enumerate(own):
            began_s = begins_s[place]
            if began_s >= until_s:
                break
            next_s = begins_s[place + 1] if place + 1 < len(own) else until_s
            # What was on the line before anybody wrote of a contact belongs to the first.
            from_s = began_s if place else 0.0
            size_bytes = up.between(from_s, next_s), down.between(from_s, next_s)
            paid.append(_paid(link, row, size_bytes, began_s=began_s, until_s=until_s, time=time))
    return tuple(sorted(paid, key=lambda each: each.began_s))


def _paid(
    link: Laid,
    row: DiaryRow,
    size_bytes: tuple[int, int],
    *,
    began_s: float,
    until_s: float,
    time: RunTime,
) -> Paid:
    bytes_up, bytes_down = size_bytes
    is_over = row.ended_s is not None and time.of_wall_s(row.ended_s) <= until_s
    ended_s = time.of_wall_s(row.ended_s) if is_over and row.ended_s is not None else until_s
    connected_s = row.seconds if is_over else until_s - max(0.0, began_s)
    return Paid(
        link=link.settings.name,
        began_s=began_s,
        ended_s=ended_s,
        reached=row.reached,
        attempts=row.attempts,
        bytes_up=bytes_up,
        bytes_down=bytes_down,
        usd=link.settings.tariff.cost_usd(size_bytes=bytes_up + bytes_down, connected_s=connected_s),
        own_usd=row.usd,
    )


def _before(rows: Sequence[DiaryRow], time: RunTime) -> int:
    """How many were over when the run began."""
    over = [row.ended_s is not None and time.of_wall_s(row.ended_s) < 0.0 for row in rows]
    return over.index(False) if False in over else len(rows)


class _Meter:
    """Bytes of one direction by second, summed up once."""

    def __init__(self, billed: dict[int, int]) -> None:
        self._seconds = sorted(billed)
        self._sums = [0, *accumulate(billed[second] for second in self._seconds)]

    def between(self, from_s: float, until_s: float) -> int:
        """From the first whole second on to before the other; diaries know no finer moments."""
        first, last = bisect_left(self._seconds, int(from_s)), bisect_left(self._seconds, int(until_s))
        return self._sums[last] - self._sums[first]


def carried_by(paid: Sequence[Paid], stored_s: float) -> Paid | None:
    """The contact under way at that moment, or else the last one before it."""
    under_way = [each for each in paid if each.began_s <= stored_s <= each.ended_s + 1.0 and each.reached]
    return under_way[-1] if under_way else None
