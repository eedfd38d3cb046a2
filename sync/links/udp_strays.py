"""Datagrams that came before the one that says who sends them: kept for a moment, by address.

Law: what strangers send holds a bounded room for a bounded time; who floods it drives out others, who say it
again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

AddressT = TypeVar("AddressT")

STRAYS_MAX: Final = 64
"""Addresses."""
STRAYS_EACH_MAX: Final = 4
"""Datagrams: as many as a caller sends behind an introduction."""
STRAY_BYTES_MAX: Final = 2048
"""Of one datagram: longer than any of ours, so that a flood of long ones fills half a megabyte at most."""
STRAY_S: Final = 30.0
"""Far more than one can overtake another by: where the introduction was lost, a caller on a slow link says it
again so late, and what lies here need not come twice."""


@dataclass(slots=True)
class _Kept:
    since: float
    datagrams: list[bytes] = field(default_factory=list)


class Strays(Generic[AddressT]):
    """Datagrams of no session."""

    def __init__(self) -> None:
        self._kept: OrderedDict[AddressT, _Kept] = OrderedDict()

    def keep(self, address: AddressT, datagram: bytes, now: float) -> None:
        """One came; it may drive out the oldest."""
        if len(datagram) > STRAY_BYTES_MAX:
            return
        kept = self._kept.get(address)
        if kept is None or now - kept.since > STRAY_S:
            self._kept.pop(address, None)
            kept = self._kept[address] = _Kept(now)
            if len(self._kept) > STRAYS_MAX:
                self._kept.popitem(last=False)
        if len(kept.datagrams) < STRAYS_EACH_MAX:
            kept.datagrams.append(datagram)

    def take(self, address: AddressT, now: float) -> list[bytes]:
        """What came from there just before; each is given once."""
        kept = self._kept.pop(address, None)
        return kept.datagrams if kept is not None and now - kept.since <= STRAY_S else []
