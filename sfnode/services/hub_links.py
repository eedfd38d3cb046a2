"""Which links lead to which hub.

Law: a link leads to one hub, that which its settings name; one that names none leads to the home hub.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.ids import Pseudonym
from sfnode.config import LinkSettings
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool

from .contact import Pair


def leads_to(link: LinkSettings, pairing: Pairing) -> bool:
    """Whether that link is one of that hub's."""
    return pairing.is_home if link.hub is None else link.hub.casefold() == pairing.name.casefold()


def links_to(links: Sequence[LinkSettings], pairing: Pairing) -> tuple[LinkSettings, ...]:
    """All of them that have an address, in their order."""
    return tuple(link for link in links if link.hub_url is not None and leads_to(link, pairing))


def hub_of_link(link: LinkSettings, pairings: Sequence[Pairing]) -> Pairing | None:
    """The hub that a link leads to; None where this site is not enrolled with it."""
    return next((each for each in pairings if leads_to(link, each)), None)


def no_link_sentence(names: Sequence[str]) -> str:
    """Nothing is dialled for these hubs."""
    return (
        f"No link leads to {' or '.join(names)}, so nobody there can be reached. What was written is safe "
        f"and stays queued. Add one: `sfnode link add NAME --hub {_quoted(names[0])} --address URL`."
    )


def waits_without_link_sentence(pairing: Pairing, count: int, size_bytes: int) -> str:
    """Something waits, and is not on its way."""
    items = f"{count} {'item waits' if count == 1 else 'items wait'}"
    return f"{items} for {pairing.name} ({size_bytes / 1000:.1f} kB). {no_link_sentence([pairing.name])}"


def lost_link_sentence(link: LinkSettings) -> str:
    """Somebody has written a name into site.toml that is nobody's."""
    return (
        f"The link {link.name} is for {link.hub}, and this site is not enrolled with a hub of that name: "
        "nothing goes over it. Name one of `sfnode site hubs`: "
        f"`sfnode link set {_quoted(link.name)} --hub HUB`."
    )


async def pair_with(spool: Spool, pairing: Pairing) -> Pair:
    """What a contact needs to know of it."""
    return Pair(
        pseudonym=pairing.pseudonym,
        link_secret=pairing.link_secret,
        store=await spool.custody(pairing),
        hub_name=pairing.name,
    )


class HubLinks:
    """The site's links, and the hubs as they were read last."""

    def __init__(self, spool: Spool, links: Sequence[LinkSettings]) -> None:
        self.links = tuple(links)
        self.pairings: tuple[Pairing, ...] = ()
        self._spool = spool
        self._pairs: dict[Pseudonym, Pair] = {}
        self._pairs_of: tuple[tuple[Pairing, ...], tuple[LinkSettings, ...]] = ((), ())
        """Between which hubs and links they are: asked for at each decision, and seldom others."""

    async def pairs(self) -> dict[Pseudonym, Pair]:
        """The hubs that a link leads to."""
        self.pairings, links = await self._spool.pairings.all(), self.links
        if self._pairs_of[0] is not self.pairings or self._pairs_of[1] is not links:
            of = self.pairings, links
            pairs = {
                each.pseudonym: await pair_with(self._spool, each)
                for each in self.pairings
                if self.of(each.pseudonym)
            }
            self._pairs, self._pairs_of = pairs, of
        return self._pairs

    def of(self, pair: Pseudonym) -> tuple[LinkSettings, ...]:
        """Those that lead to its hub."""
        return tuple(
            link for each in self.pairings if each.pseudonym == pair for link in links_to(self.links, each)
        )

    def without_link(self) -> tuple[Pairing, ...]:
        """The hubs that no link leads to."""
        return tuple(each for each in self.pairings if not self.of(each.pseudonym))

    def lost(self) -> tuple[LinkSettings, ...]:
        """Links that lead to no hub of ours; none before there is a hub."""
        return tuple(
            link for link in self.links if self.pairings and hub_of_link(link, self.pairings) is None
        )


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
