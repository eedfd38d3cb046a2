"""Hears what contacts do with bundles: for the checkers, for the stories of cases, for whoever waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId
from protocol.ranges import RangeSet
from simulations.checkers.observations import (
    BundleDelivered,
    BytesHandedOut,
    CustodyPassed,
    ReceiptWritten,
)
from simulations.hosts.disk import done
from sync.ports import Offer

from .consulting import Consulting
from .fleet import HUB, Fleet, who
from .goods import Parcel
from .link import FleetLink
from .site import FleetSite

TAKEN_AT_ONCE: Final = 1_024
BYTES_PER_MEGABYTE: Final = 1e6


class Witness:
    """The listener of one contact."""

    def __init__(
        self,
        fleet: Fleet,
        consulting: Consulting,
        site: FleetSite,
        link: FleetLink,
        arrived: Callable[[Parcel, float], None],
        contact: int | None = None,
    ) -> None:
        """What comes in one `contact`, where it is told, counts once for what arrivals teach."""
        self._contact = contact
        self._fleet = fleet
        self._consulting = consulting
        self._site = site
        self._link = link
        self._arrived = arrived
        self._begun: set[BundleId] = set()
        self.carried_emergency = False
        self.carried_bytes = 0
        """Sealed bytes of what came whole, both ways."""

    def reading(self, *, from_site: bool, sequence: int, is_answered: bool, at_s: float) -> None:
        """A piece of this bundle goes to the link."""
        store = self._site.store if from_site else self._site.hub_store
        pending = [each.offer for each in done(store.outgoing(RangeSet()))]
        offer = next((each for each in pending if each.sequence == sequence), None)
        if offer is None:
            return
        self._begun.add(offer.bundle_id)
        receiver = self._site.hub_disk if from_site else self._site.disk
        doubted = self._site.doubted if from_site and not is_answered else frozenset()
        self.carried_emergency |= offer.priority is Priority.EMERGENCY
        parcels = self._fleet.goods.parcels
        self._fleet.observe(
            BytesHandedOut(
                at_s=at_s,
                place=who(self._site) if from_site else HUB,
                bundle=offer.bundle_id,
                priority=offer.priority,
                waiting=tuple(
                    (each.bundle_id, each.priority, parcels[each.bundle_id].queued_s)
                    for each in pending
                    if each.bundle_id not in self._begun
                    and each.bundle_id not in doubted
                    and (each.priority >= offer.priority or not receiver.holds(each.bundle_id))
                ),
            )
        )
        if from_site:
            self._site.doubted.add(offer.bundle_id)

    def wrote(
        self, offers: Sequence[Offer], goes: Callable[[int], bool], *, from_site: bool, at_s: float
    ) -> None:
        """A letter with pieces of these goes to the link; `goes` tells which sizes it takes at all."""
        site = self._site
        store = site.store if from_site else site.hub_store
        in_letters = site.mail.posted(at_hub=not from_site)
        written = {offer.bundle_id for offer in offers}
        if from_site:
            site.doubted |= written
        waiting = [
            each.offer
            for each in done(store.outgoing(in_letters))
            if each.offer.bundle_id not in written and goes(each.offer.size_bytes)
        ]
        parcels = self._fleet.goods.parcels
        for place, offer in enumerate(offers, start=1):
            self._fleet.observe(
                BytesHandedOut(
                    at_s=at_s,
                    place=who(site) if from_site else HUB,
                    bundle=offer.bundle_id,
                    priority=offer.priority,
                    waiting=tuple(
                        (each.bundle_id, each.priority, parcels[each.bundle_id].queued_s)
                        for each in (*waiting, *offers[place:])
                    ),
                )
            )

    def received(self, offer: Offer, *, at_hub: bool, at_s: float) -> None:
        """A bundle is whole and durable."""
        site, place = self._site, HUB if at_hub else who(self._site)
        self.carried_bytes += offer.size_bytes
        disk = site.hub_disk if at_hub else site.disk
        parcel = self._fleet.goods.parcels[offer.bundle_id]
        self._fleet.note(at_s, place, "received", bundle=offer.bundle_id)
        is_on_disk = disk.holds(offer.bundle_id)
        self._fleet.observe(
            ReceiptWritten(at_s=at_s, place=place, bundle=offer.bundle_id, is_on_disk=is_on_disk)
        )
        if parcel.stored_s is not None:
            return  # After a restore it came again.
        parcel.stored_s, parcel.link = at_s, self._link.terms.name
        usd = self._own_price(parcel)
        self._fleet.goods.share_cost(parcel.case, parcel.size_bytes, up=parcel.up, usd=usd)
        if at_hub:
            if parcel.estimated_s is not None and parcel.arrivals is not None:
                parcel.arrivals.learn(
                    estimated_s=parcel.estimated_s, actual_s=at_s - parcel.queued_s, contact=self._contact
                )
            self._fleet.later(at_s, partial(self._arrived, parcel))
        elif parcel.what == "reply":
            self._consulting.reply_came(site, self._fleet.goods.stories[parcel.case], parcel.priority, at_s)

    def _own_price(self, parcel: Parcel) -> float:
        """Of its bytes alone, and of the time that they take, or of its share of the messages."""
        direction = self._link.profile.up if parcel.up else self._link.profile.down
        terms = self._link.terms
        if terms.message_bytes is not None:
            return terms.tariff.usd_per_message * parcel.size_bytes / terms.message_bytes
        return self._link.terms.tariff.usd_per_megabyte * parcel.size_bytes / BYTES_PER_MEGABYTE + (
            self._link.terms.tariff.usd_per_minute * direction.serialisation_s(parcel.size_bytes) / 60
        )

    def released(self, offer: Offer, *, from_site: bool, at_s: float, said_s: float | None = None) -> None:
        """Custody has passed to the other side, which said so at that moment, or now."""
        site = self._site
        if from_site:
            site.doubted.discard(offer.bundle_id)
        receiver = site.hub_disk if from_site else site.disk
        place, peer = (who(site), HUB) if from_site else (HUB, who(site))
        self._fleet.observe(
            CustodyPassed(
                at_s=at_s,
                place=place,
                peer=peer,
                bundle=offer.bundle_id,
                # What was said before a disk went back to a backup was true then; the next word corrects it.
                is_on_disk=receiver.holds(offer.bundle_id)
                or (said_s is not None and said_s <= site.restored_s[from_site]),
            )
        )

    def over(self, now_s: float) -> None:
        """The applications take what came whole, and custody says what still waits."""
        for store, at_hub in ((self._site.hub_store, True), (self._site.store, False)):
            taken = self._fleet.taken.setdefault((self._site.number, at_hub), set())
            for received in done(store.received_after(0, TAKEN_AT_ONCE)):
                bundle = received.offer.bundle_id
                size_bytes = self._fleet.goods.parcels[bundle].size_bytes
                self._fleet.observe(
                    BundleDelivered(
                        at_s=now_s,
                        place=HUB if at_hub else who(self._site),
                        bundle=bundle,
                        was_taken=bundle in taken,
                        is_genuine=len(received.sealed) == size_bytes,
                    )
                )
                done(store.take(received.row))
                taken.add(bundle)
        recount(self._site)


def recount(site: FleetSite) -> None:
    """What waits on both sides, by custody's own word."""
    waiting = done(site.store.outgoing(site.mail.posted(at_hub=False)))
    site.recount([(each.offer.priority, each.offer.size_bytes) for each in waiting])
    site.hub_bundles = len(done(site.hub_store.outgoing(RangeSet())))
