"""What people are told of dialling: what is held back and why, what has no link, what went beyond a cap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sfnode.spool.spool import Spool
from sync.scheduler import Dial, Held

from .contact import Contact
from .hub_links import HubLinks, lost_link_sentence, waits_without_link_sentence
from .hub_names import shown_name
from .link_ledger import LinkLedger
from .link_words import beyond_cap_sentence, held_sentence


class ContactNotices:
    """Sentences of now; nothing here is kept across a restart."""

    def __init__(self, spool: Spool, *, links: HubLinks, ledger: LinkLedger) -> None:
        self._spool = spool
        self._links = links
        self._ledger = ledger
        self.without_link: tuple[str, ...] = ()
        """What waits for hubs that no link leads to."""
        self._beyond_cap: Final[dict[str, Contact]] = {}
        """The last contact over each link that was dialled for an emergency although its cap is used up."""

    def told(self, held: Iterable[Held]) -> tuple[str, ...]:
        """`held`: what the rules keep back."""
        beyond = [each.plan.link for each in self._beyond_cap.values() if each.reached]
        return (
            *map(beyond_cap_sentence, beyond),
            *self.without_link,
            *map(lost_link_sentence, self._links.lost()),
            *map(self._held_sentence, held),
        )

    def begun(self, contact: Contact, dial: Dial) -> None:
        """An emergency may go beyond a cap; it is said once somebody was reached so."""
        told = self._beyond_cap.get(dial.link)
        if dial.beyond_cap and (told is None or not told.reached):
            self._beyond_cap[dial.link] = contact

    def within_cap(self, link: str) -> None:
        """Another day has begun, or another cap holds, or it is another link."""
        self._beyond_cap.pop(link, None)

    async def look_for_links(self) -> None:
        """Ask the spool what waits where nobody is dialled."""
        sentences = []
        for pairing in self._links.without_link():
            if waiting := await self._spool.transfers.unstored(pairing.pseudonym):
                size_bytes = sum(each.size_bytes for each in waiting)
                sentences.append(waits_without_link_sentence(pairing, len(waiting), size_bytes))
        self.without_link = tuple(sentences)

    def _held_sentence(self, held: Held) -> str:
        name = shown_name(held.pair, self._links.pairings)
        sentence = held_sentence(held, self._links.links, self._ledger)
        return f"{name}: {sentence}" if name else sentence
