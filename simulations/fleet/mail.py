"""A link of whole messages between one site and the hub: the product's letters at both ends, the model's post
between them, and what the policy has given the site's end to write."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Final

from protocol.header import Priority
from protocol.ids import Pseudonym
from protocol.letters import LETTER_BYTES_MAX
from protocol.letters import Way as Writer
from protocol.ranges import RangeSet
from simulations.hosts.disk import Store
from simulations.links import LinkProfile, Mailbox, PostModel, ServicePlan, Way
from sync.letters import Correspondence, LetterMemory, LetterTerms
from sync.letters.terms import AHEAD_FREE_MAX, AHEAD_MAX

from .contact import LINK_SECRET

ANSWER_MARGIN_S: Final = 30.0
"""Beyond the slowest way there and back: making things durable, and handing letters over."""


@dataclass(slots=True, eq=False)
class MailEnd:
    """One side of it."""

    letters: Correspondence
    post: PostModel
    bytes_max: int
    """Of one message; a bag holds as many letters as there is room for."""
    stirs_at_s: float = math.inf
    """When it is looked after next."""
    held_until_s: float = -math.inf
    """A cap holds an answer back until then."""


@dataclass(slots=True, eq=False)
class Mail:
    """Both."""

    site: MailEnd
    hub: MailEnd
    covered: set[Priority] = field(default_factory=set)
    """Classes that the policy has given to this link, until they are answered or given up."""
    floor: Priority | None = None
    """The least urgent class that goes along; None while nothing was given to it."""
    has_nothing: bool = False
    """It was asked and had nothing to write, as for a photograph where only emergencies are wanted: another
    link is asked, until something new waits."""
    owes_emergency: bool = False
    """What came and is not answered yet was an emergency."""

    def end(self, *, at_hub: bool) -> MailEnd:
        return self.hub if at_hub else self.site

    @property
    def under_way(self) -> RangeSet:
        """Numbers of the site's bundles that wait for the hub's word."""
        return self.site.letters.under_way

    def cover(self, floor: Priority, waiting: set[Priority]) -> None:
        """The policy has chosen this link for these classes, down to that floor."""
        self.floor = floor if self.floor is None else max(self.floor, floor)
        self.covered |= {each for each in waiting if each <= floor}

    def release(self) -> None:
        """Nothing is under way any more, or nobody answers: the policy chooses anew."""
        self.floor = None
        self.covered.clear()


@dataclass(frozen=True, slots=True)
class MailMaker:
    """What both ends of one link are made of, at the beginning and after each restore."""

    profile: LinkProfile
    mailbox: Mailbox
    service: ServicePlan
    floor: Priority
    pair: Pseudonym
    key: str

    def open(self, site: Store, hub: Store) -> Mail:
        """New, at both ends."""
        return Mail(self._end(site, Way.UP), self._end(hub, Way.DOWN))

    def letters(
        self, store: Store, memory: LetterMemory | None, *, at_hub: bool, restores: int = 0
    ) -> Correspondence:
        """One end's, over the custody that it has now. A disk that goes back draws no salt a second time."""
        draw = random.Random(f"letters/{at_hub}/{self.key}/{restores}")
        return Correspondence(
            store,
            self._terms(self._bytes_max(Way.DOWN if at_hub else Way.UP)),
            secret=LINK_SECRET,
            pair=self.pair,
            way=Writer.FROM_HUB if at_hub else Writer.FROM_SITE,
            new_salt=draw.randbytes,
            memory=memory,
        )

    def _end(self, store: Store, way: Way) -> MailEnd:
        return MailEnd(
            self.letters(store, None, at_hub=way is Way.DOWN),
            PostModel(self.mailbox, way, seed=self.key, service=self.service),
            self._bytes_max(way),
        )

    def _bytes_max(self, way: Way) -> int:
        return self.mailbox.up_bytes_max if way is Way.UP else self.mailbox.down_bytes_max

    def _terms(self, bytes_max: int) -> LetterTerms:
        mailbox = self.mailbox
        spread_s = mailbox.delay_s_max - mailbox.delay_s_min
        is_free = not (self.profile.tariff.usd_per_message or self.profile.tariff.usd_per_mb)
        return LetterTerms(
            letter_bytes_max=min(bytes_max, LETTER_BYTES_MAX),
            answer_s=2 * mailbox.delay_s_max + mailbox.interval_s + spread_s + ANSWER_MARGIN_S,
            spread_s=spread_s,
            floor=self.floor,
            ahead_max=AHEAD_FREE_MAX if is_free else AHEAD_MAX,
            is_free=is_free,
        )
