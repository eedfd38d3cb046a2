"""All links of whole messages that one site has: what is on its way over them, and what they were given."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from protocol.header import Priority
from protocol.ids import Pseudonym
from protocol.ranges import RangeSet
from simulations.hosts.disk import Store
from sync.letters import LetterMemory
from sync.scheduler import Decision, Dial, HeldBy
from sync.scheduler.choice import POST_BORNE_S

from .link import FleetLink
from .mail import Mail, MailMaker


class SiteMail:
    """By link, in the site's order."""

    def __init__(
        self, links: Sequence[FleetLink], key: str, pair: Pseudonym, site: Store, hub: Store
    ) -> None:
        self._links = links
        self._makers: list[MailMaker | None] = []
        self._restores = 0
        for index, link in enumerate(links):
            mailbox = link.profile.mailbox
            if mailbox is None:
                self._makers.append(None)
                continue
            named = f"{key}/{index}"
            maker = MailMaker(link.profile, mailbox, link.service, link.terms.floor, pair, named)
            self._makers.append(maker)
            link.mail = maker.open(site, hub)

    @property
    def all(self) -> list[tuple[FleetLink, Mail]]:
        """Those links."""
        return [(link, link.mail) for link in self._links if link.mail is not None]

    def posted(self, *, at_hub: bool) -> RangeSet:
        """Numbers that are in letters of which nothing was heard yet."""
        numbers = RangeSet()
        for _, mail in self.all:
            numbers |= mail.end(at_hub=at_hub).letters.under_way
        return numbers

    def something_waits(self) -> None:
        """Those that had nothing to write may have now."""
        for _, mail in self.all:
            mail.has_nothing = False

    # For the policy.

    def answered_soon(self) -> set[Priority]:
        """Classes for which a letter is on its way that will be answered in time."""
        return {
            each
            for link, mail in self.all
            for each in mail.covered
            if link.measured.rtt_s <= POST_BORNE_S[max(each, Priority.URGENT)]
        }

    @staticmethod
    def is_given(link: FleetLink, dial: Dial, waiting: Collection[Priority]) -> bool:
        """Whether this link has all that it would be dialled for already."""
        mail = link.mail
        return mail is not None and all(each in mail.covered for each in waiting if each <= dial.floor)

    @staticmethod
    def is_capped(decision: Decision) -> bool:
        """Whether another day lets something go that waits."""
        return any(reason is HeldBy.CAP for held in decision.held for _, reason in held.by)

    # Disks that go back to backups.

    def memories(self, *, at_hub: bool) -> list[LetterMemory | None]:
        """What one end keeps of its letters, by link."""
        return [
            None if link.mail is None else link.mail.end(at_hub=at_hub).letters.memory for link in self._links
        ]

    def restart(self, store: Store, memories: Sequence[LetterMemory | None], *, at_hub: bool) -> None:
        """One end begins again over another disk."""
        self._restores += 1
        for link, maker, memory in zip(self._links, self._makers, memories, strict=True):
            if link.mail is not None and maker is not None:
                link.mail.end(at_hub=at_hub).letters = maker.letters(
                    store, memory, at_hub=at_hub, restores=self._restores
                )
                link.mail.release()
