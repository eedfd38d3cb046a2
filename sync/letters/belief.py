"""What a letter's word of our bundles does to custody.

Law: a receipt counts only where the digest over the numbers is our own; one that shows a store to have been
rolled back or copied begins a new incarnation and passes custody of nothing. Former incarnations are left to
sessions, which compare them whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocol.letters import Heard, HeldPart
from protocol.ranges import RangeSet

from ..core.reconcile import FORKED, ROLLED_BACK
from ..ports import Offer, PairStore, SessionView
from .underway import UnderWay


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """What custody has learnt."""

    released: tuple[Offer, ...] = ()
    """Custody of these has passed to the peer."""
    lost: RangeSet = field(default_factory=RangeSet)
    """The peer once held these and holds them no more: they are pending again."""
    renewal: str | None = None
    """Why a new incarnation has begun."""


async def believe(store: PairStore, view: SessionView, under_way: UnderWay, heard: Heard) -> Believed:
    """Act on a word that answers a letter of ours, and is newer than every one acted on before."""
    if heard.incarnation != view.incarnation:
        return Believed()
    beyond = heard.held - RangeSet.of([(1, view.sequence_max + 1)])
    if beyond.spans:
        await store.note_foreign(view.incarnation, beyond)
        return await _renewed(store, under_way, ROLLED_BACK)
    if heard.held.spans and await store.digest(view.incarnation, heard.held) != heard.digest:
        return await _renewed(store, under_way, FORKED)
    lost = _lost(under_way.known_at(heard.number), heard) & view.stored
    if lost.spans:
        await store.mark_lost(view.incarnation, lost)
    stored = heard.held - view.stored
    # Custody tells of its most urgent page alone; what goes by letters may stand behind that.
    offers = under_way.offers | {each.offer.sequence: each.offer for each in view.pending}
    released = tuple(offer for number, offer in offers.items() if number in stored)
    if stored.spans:
        await store.mark_stored(stored)
    under_way.arrived(heard.held)
    await _note_progress(store, offers, under_way, heard.parts)
    return Believed(released=released, lost=lost)


async def _renewed(store: PairStore, under_way: UnderWay, reason: str) -> Believed:
    await store.renew_incarnation(reason)
    under_way.forget()
    return Believed(renewal=reason)


def _lost(known: RangeSet, heard: Heard) -> RangeSet:
    return known - RangeSet.whole(heard.complete_from) - heard.held


async def _note_progress(
    store: PairStore, offers: Mapping[int, Offer], under_way: UnderWay, parts: tuple[HeldPart, ...]
) -> None:
    for part in parts:
        offer = offers.get(part.sequence)
        if offer is not None and offer.seal_tag == part.seal_tag:
            held = part.held.below(offer.size_bytes)
            await store.mark_receipted(offer.sequence, held)
            under_way.told(offer, held)
