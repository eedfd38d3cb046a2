"""Which link would carry what waits, and how that one is just now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.header import Priority
from protocol.ids import Pseudonym
from sync.scheduler import Forecast, LinkNow
from sync.scheduler.choice import held_by

from .contacts import Contacts
from .hub_links import hub_of_link


@dataclass(frozen=True, slots=True)
class LinkOutlook:
    """One link as the policy sees it."""

    now: LinkNow
    is_down: bool
    """Whether the last attempt over it found nobody."""
    pair: Pseudonym | None = None
    """Whose hub it leads to; None where it is nobody's."""

    @property
    def name(self) -> str:
        return self.now.name

    def forecast(self, size_bytes: int) -> Forecast:
        return self.now.forecast(size_bytes)


async def outlooks(contacts: Contacts) -> tuple[LinkOutlook, ...]:
    """Every link of the site."""
    links = await contacts.ledger.links_now(contacts.links)
    hubs = [hub_of_link(link, await contacts.pairings()) for link in contacts.links]
    return tuple(
        LinkOutlook(now, contacts.ledger.down(now.name) is not None, hub.pseudonym if hub else None)
        for hub, now in zip(hubs, links, strict=True)
    )


def carrier(
    priority: Priority, size_bytes: int, links: Sequence[LinkOutlook], pair: Pseudonym | None = None
) -> LinkOutlook | None:
    """By the policy's own taste: for an emergency the fastest of those that work, else the cheapest, which it
    waits for a while; of those that lead to that pair's hub, if one is named. None where no link may carry
    the class now."""
    able = [link for link in links if held_by(link.now, priority) is None and pair in (None, link.pair)]
    if not able:
        return None

    def taste(link: LinkOutlook) -> tuple[bool, float, float]:
        each = link.forecast(size_bytes)
        if priority is Priority.EMERGENCY:
            return link.is_down, each.seconds, each.usd
        return False, each.usd, each.seconds

    return min(able, key=taste)
