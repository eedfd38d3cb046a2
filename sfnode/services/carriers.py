"""Which link would carry what waits, and how that one is just now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.header import Priority
from sync.scheduler import Forecast, LinkNow
from sync.scheduler.choice import held_by

from .contacts import Contacts


@dataclass(frozen=True, slots=True)
class LinkOutlook:
    """One link as the policy sees it."""

    now: LinkNow
    is_down: bool
    """Whether the last attempt over it found nobody."""

    @property
    def name(self) -> str:
        return self.now.name

    def forecast(self, size_bytes: int) -> Forecast:
        return self.now.forecast(size_bytes)


async def outlooks(contacts: Contacts) -> tuple[LinkOutlook, ...]:
    """Every link of the site."""
    links = await contacts.ledger.links_now(contacts.links)
    return tuple(LinkOutlook(link, contacts.ledger.down(link.name) is not None) for link in links)


def carrier(priority: Priority, size_bytes: int, links: Sequence[LinkOutlook]) -> LinkOutlook | None:
    """By the policy's own taste: for an emergency the fastest of those that work, else the cheapest, which it
    waits for a while. None where no link may carry the class now."""
    able = [link for link in links if held_by(link.now, priority) is None]
    if not able:
        return None

    def taste(link: LinkOutlook) -> tuple[bool, float, float]:
        each = link.forecast(size_bytes)
        if priority is Priority.EMERGENCY:
            return link.is_down, each.seconds, each.usd
        return False, each.usd, each.seconds

    return min(able, key=taste)
