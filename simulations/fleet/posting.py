"""Letters between sites and the hub in a run: each is chosen when the post takes it, paid for as it leaves,
and read when it comes, before or after others, several times or never."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from protocol.header import Priority
from simulations.checkers.observations import ContactPaid
from simulations.hosts.disk import done
from simulations.world.world import DAY_S
from sync.letters import LetterWritten
from sync.scheduler import Dial

from .consulting import Consulting
from .fleet import HUB, Fleet, who
from .goods import Parcel
from .link import FleetLink
from .mail import Mail, MailEnd
from .site import FleetSite
from .witness import Witness, recount

CAP_LOOK_S: Final = 600.0
"""While a cap holds an answer back: as often as the policy looks again."""
LETTERS_PER_BAG_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class _Side:
    """One end of one link of one site."""

    site: FleetSite
    link: FleetLink
    mail: Mail
    at_hub: bool

    @property
    def end(self) -> MailEnd:
        return self.mail.end(at_hub=self.at_hub)

    @property
    def other(self) -> _Side:
        return _Side(self.site, self.link, self.mail, not self.at_hub)

    @property
    def place(self) -> str:
        return HUB if self.at_hub else who(self.site)

    @property
    def has_to_write(self) -> bool:
        """The site's end waits for the policy; the hub's writes whatever it has."""
        return self.at_hub or self.mail.floor is not None

    def floor(self, now_s: float) -> Priority | None:
        """The least urgent class that may go now; None lets only an answer go."""
        if self.at_hub:
            return Priority.BULK
        floor = self.mail.floor
        return None if floor is None else min(floor, self.link.now(now_s).lowest())

    def may_spend(self, now_s: float) -> bool:
        """A cap stops all that the site writes but emergencies, and the word that one has come."""
        is_urgent = self.mail.owes_emergency or Priority.EMERGENCY in self.site.classes_waiting()
        return self.at_hub or is_urgent or self.link.may_look(now_s)


class Posting:
    """Both ends of every link of whole messages."""

    def __init__(
        self,
        fleet: Fleet,
        consulting: Consulting,
        arrived: Callable[[Parcel, float], None],
        wake: Callable[[FleetSite, float], None],
    ) -> None:
        self._fleet = fleet
        self._consulting = consulting
        self._arrived = arrived
        self._wake = wake

    def engage(self, site: FleetSite, link: FleetLink, mail: Mail, dial: Dial, now_s: float) -> None:
        """The policy sends what waits over this link."""
        mail.cover(dial.floor, site.classes_waiting())
        self._stir(_Side(site, link, mail, at_hub=False), now_s)

    def something_waits(self, site: FleetSite, now_s: float, *, at_hub: bool) -> None:
        """Something new is in custody."""
        for link, mail in site.mail.all:
            side = _Side(site, link, mail, at_hub)
            if side.has_to_write:
                self._stir(side, now_s)

    # When.

    def _stir(self, side: _Side, at_s: float) -> None:
        """Look after one end at this moment, unless it is looked after before."""
        if at_s < side.end.stirs_at_s:
            side.end.stirs_at_s = at_s
            self._fleet.later(at_s, partial(self._look, side))

    def _stir_at_deadline(self, side: _Side, now_s: float) -> None:
        end = side.end
        self._stir(side, max(now_s, end.letters.deadline(), end.held_until_s))

    def _free_s(self, side: _Side, now_s: float) -> float:
        """When this end can attend to letters: after a contact, and when the hub is there."""
        back_s = self._fleet.hub_back_s(now_s) if side.at_hub else now_s
        return max(now_s, side.site.busy_until_s, back_s)

    def _look(self, side: _Side, now_s: float) -> None:
        end = side.end
        if now_s != end.stirs_at_s:
            return  # Something else has stirred it since.
        end.stirs_at_s = math.inf
        free_s = self._free_s(side, now_s)
        if free_s > now_s:
            self._stir(side, free_s)
            return
        if end.letters.give_up(now_s):
            self._gave_up(side, now_s)
        departs_s = end.post.departs_s(now_s)
        if departs_s <= now_s:
            self._write(side, now_s)
            return
        if (deadline_s := end.letters.deadline()) > now_s:
            self._stir(side, deadline_s)
        if side.has_to_write or end.letters.owes_answer(now_s):
            self._stir(side, departs_s)

    # Writing.

    def _write(self, side: _Side, now_s: float) -> None:
        bag = self._bag(side, now_s)
        if bag:
            self._post(side, bag, now_s)
            self._stir(side, side.end.post.departs_s(now_s))
        self._stir_at_deadline(side, now_s)
        if side.at_hub:
            return
        mail = side.mail
        if not bag and mail.floor is not None and not mail.under_way.spans:
            # Where a cap has narrowed what may go, the policy knows it.
            mail.has_nothing = side.floor(now_s) == mail.floor
            mail.release()
        recount(side.site)
        self._wake(side.site, now_s)

    def _bag(self, side: _Side, now_s: float) -> list[LetterWritten]:
        """Letters until nothing is left to say or the message is full."""
        end = side.end
        if not side.may_spend(now_s):
            end.held_until_s = now_s + CAP_LOOK_S
            return []
        witness = self._witness(side)
        bag: list[LetterWritten] = []
        size_bytes = 0
        while len(bag) < LETTERS_PER_BAG_MAX and (
            size_bytes + end.letters.letter_bytes_max <= end.bytes_max or not bag
        ):
            letter = done(end.letters.write(now_s, side.floor(now_s)))
            if letter is None:
                break
            witness.wrote(letter.offers, end.letters.is_worth_it, from_site=not side.at_hub, at_s=now_s)
            size_bytes += len(letter.data)
            bag.append(letter)
        return bag

    def _post(self, side: _Side, bag: Sequence[LetterWritten], now_s: float) -> None:
        size_bytes = sum(len(letter.data) for letter in bag)
        arrivals = side.end.post.offer(now_s, size_bytes) or ()
        self._pay(side, bag, size_bytes, now_s)
        self._fleet.note(
            now_s,
            side.place,
            "letters",
            link=side.link.terms.name,
            count=len(bag),
            size=size_bytes,
            copies=len(arrivals),
        )
        for arrives_s in arrivals:
            self._fleet.later(arrives_s, partial(self._arrive, side.other, bag, now_s))

    def _pay(self, side: _Side, bag: Sequence[LetterWritten], size_bytes: int, now_s: float) -> None:
        """Both ways are on the site's bill, lost ones too; only what it writes itself can mind a cap."""
        site, link = side.site, side.link
        usd = link.profile.tariff.cost_usd(ip_bytes=size_bytes, messages=1)
        site.paid(link, (0, size_bytes) if side.at_hub else (size_bytes, 0), usd, now_s)
        is_emergency = side.mail.owes_emergency or any(
            offer.priority is Priority.EMERGENCY for letter in bag for offer in letter.offers
        )
        if not side.at_hub:
            site.contacts += 1
            side.mail.owes_emergency = False
        if link.cap_usd is not None:
            cap_usd = None if side.at_hub or is_emergency else link.cap_usd
            name, day = link.terms.name, int(now_s // DAY_S)
            self._fleet.observe(
                ContactPaid(at_s=now_s, place=who(site), link=name, day=day, usd=usd, cap_usd=cap_usd)
            )

    def _gave_up(self, side: _Side, now_s: float) -> None:
        self._fleet.note(now_s, side.place, "no answer", link=side.link.terms.name)
        if not side.at_hub:
            side.site.failed(side.link, now_s)
            side.mail.has_nothing = False
            side.mail.release()

    # Reading.

    def _arrive(self, side: _Side, bag: Sequence[LetterWritten], written_s: float, now_s: float) -> None:
        ready_s = self._free_s(side, now_s)
        if ready_s > now_s:
            self._fleet.later(ready_s, partial(self._arrive, side, bag, written_s))
            return
        witness = self._witness(side, contact=int(written_s))
        for letter in bag:
            read = done(side.end.letters.read(letter.data, now_s))
            for offer in read.received:
                witness.received(offer, at_hub=side.at_hub, at_s=now_s)
                side.mail.owes_emergency |= not side.at_hub and offer.priority is Priority.EMERGENCY
            if read.believed is not None:
                for offer in read.believed.released:
                    witness.released(offer, from_site=not side.at_hub, at_s=now_s, said_s=written_s)
                self._answered(side, now_s)
        witness.over(now_s)
        self._stir(side, now_s)
        self._wake(side.site, now_s)

    def _answered(self, side: _Side, now_s: float) -> None:
        """The hub's word has come: whatever is left is chosen anew."""
        if side.at_hub:
            return
        side.site.answered_by_post(side.link, now_s)
        side.mail.has_nothing = False
        if not side.mail.under_way.spans:
            side.mail.release()

    def _witness(self, side: _Side, contact: int | None = None) -> Witness:
        return Witness(self._fleet, self._consulting, side.site, side.link, self._arrived, contact=contact)
