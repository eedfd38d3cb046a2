"""One contact of a site with the hub: two of the product's sessions over two of its datagram transports.

Their datagrams cross the link's own model, packet by packet, in virtual time; thousands of contacts a minute.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from protocol.bare_channel import BareChannel
from protocol.channel import DialerPreamble
from protocol.datagrams import SALT_BYTES, DialerSeal, ListenerSeal
from protocol.header import Priority
from protocol.ids import Pseudonym
from protocol.stamps import Certainty
from sfnode.services.metering import Bill, Pace
from simulations.links import LinkModel
from sync.core import Ending, LinkMemory, Role, Session, SessionTerms
from sync.links.datagram_transport import DatagramTransport
from sync.links.rate_memory import RateMemory
from sync.links.udp_listener import PROPERTIES
from sync.ports import PairStore
from sync.scheduler import UNLIMITED, Tariff

from .terminal import MOMENTS_MAX, Listener, Moments, Terminal

LINK_SECRET: Final = bytes(32)
"""Of every pair: seals hide nothing from a simulation, and cost it what they cost."""
EPOCH_S: Final = 1_800_000_000
"""The wall clock's second 0 of a run: a clock of 1970 would be sent in fewer bytes."""
STRANGER: Final = RateMemory(PROPERTIES.rate_bit_s_guess / 8, PROPERTIES.rtt_s_guess)
"""What the hub believes of the link of a site that calls for the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What earlier contacts over a link have left: at the site's session and transport, and at the hub's."""

    session: LinkMemory
    site: RateMemory
    hub: RateMemory = STRANGER


FREE: Final = Bill(Tariff(), UNLIMITED)
"""Nobody bills it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one contact may do."""

    floor: Priority
    learnt: Learnt
    bill: Bill = FREE
    """The node's own: the site parts before more is spent than it may."""
    hub_gone_s: float = math.inf
    """From this moment on the hub answers nobody."""
    stays_open_s: float = 0.0
    """Held open with nothing to carry, and left after so long."""


@dataclass(slots=True)
class Outcome:
    """How a contact went."""

    ended_s: float
    heard: bool
    ending: Ending | None
    learnt: Learnt
    ip_bytes_up: int
    ip_bytes_down: int
    usd: float
    is_spent_out: bool = False
    """It was ended because all that may be spent was spent."""

    @property
    def went_well(self) -> bool:
        """Nothing was left, or it was parted on purpose from a hub that was there."""
        return self.ending is Ending.DONE or (self.ending is Ending.PARTED and self.heard)


class Contact:
    """Runs one contact to its end."""

    def __init__(
        self,
        site: tuple[PairStore, LinkModel],
        hub: tuple[PairStore, LinkModel],
        terms: Terms,
        listener: Listener,
        *,
        pair: Pseudonym,
        salts: random.Random,
        begins_s: float,
    ) -> None:
        self._terms = terms
        self._began_s = begins_s
        self._moments = moments = Moments(begins_s)
        self._has_parted = self._is_spent_out = False
        self._waits_at_most = self._has_hung_up = False
        self._limit_s = -math.inf
        """When it looked, or will, whether time alone has cost what it may."""
        self._pace = Pace(terms.learnt.site.rtt_s, terms.learnt.site.rate_bytes_s)
        preamble = DialerPreamble(pair, salts.randbytes(SALT_BYTES))
        answer = ListenerSeal(LINK_SECRET, preamble, salts.randbytes(SALT_BYTES))
        learnt = terms.learnt
        self._site = Terminal(
            moments,
            self._session(Role.DIALER, learnt.session),
            DatagramTransport(
                DialerSeal(LINK_SECRET, pair, preamble.salt), learnt.site, begins_s, is_dialer=True
            ),
            *site,
            listener,
            is_site=True,
        )
        self._hub = Terminal(
            moments,
            self._session(Role.LISTENER, LinkMemory()),
            DatagramTransport(answer, learnt.hub, begins_s, is_dialer=False),
            *hub,
            listener,
            is_site=False,
        )
        self._site.peer, self._hub.peer = self._hub, self._site
        self._hub.gone_s = terms.hub_gone_s

    def at(self, moment_s: float, add: Callable[[], object]) -> None:
        """Something is added to the site's custody while the contact lasts."""

        def action() -> None:
            add()
            self._site.custody_grew()

        self._moments.at(moment_s, action)

    def run(self, next_add: Callable[[float], None]) -> Outcome:
        """`next_add` is asked, before each moment, to add by `at` what comes before it."""
        moments = self._moments
        moments.at(self._began_s, self._site.settle)
        for _ in range(MOMENTS_MAX):
            if math.isinf(moments.next_s):
                break
            if self._site.ended_s is None:
                next_add(moments.next_s)
            moments.step()
            self._keep_to_budget()
        else:
            raise RuntimeError("a simulated contact does not end")
        self._let_go()
        ended_s = moments.now_s if self._site.ended_s is None else self._site.ended_s
        memory = LinkMemory() if self._has_hung_up else self._site.session.memory
        return Outcome(
            ended_s=ended_s,
            heard=self._site.has_heard,
            ending=self._site.ending,
            learnt=Learnt(
                session=memory,
                site=self._site.transport.memory,
                hub=self._hub.transport.memory,
            ),
            ip_bytes_up=self.bytes_up,
            ip_bytes_down=self.bytes_down,
            usd=self._terms.bill.usd(self, ended_s - self._began_s),
            is_spent_out=self._is_spent_out,
        )

    # What is billed.

    @property
    def bytes_up(self) -> int:
        return self._site.ip_bytes

    @property
    def bytes_down(self) -> int:
        return self._hub.ip_bytes

    @property
    def messages(self) -> int:
        """None are billed here."""
        return 0

    def _let_go(self) -> None:
        """Both ends hold each other: without this a search for rings has to find each contact of a run."""
        self._site.peer = self._hub.peer = None
        self._moments.clear()

    def _session(self, role: Role, memory: LinkMemory) -> Session:
        terms = SessionTerms(
            wall_s=EPOCH_S + int(self._began_s),
            certainty=Certainty.SYNCED,
            floor=self._terms.floor if role is Role.DIALER else Priority.BULK,
            stays_open=self._terms.stays_open_s > 0,
        )
        return Session(role=role, channel=BareChannel(), terms=terms, now=self._began_s, memory=memory)

    def _keep_to_budget(self) -> None:
        """As the node's own account does."""
        terms, connected_s = self._terms, self._moments.now_s - self._began_s
        if self._site.ended_s is not None:
            return
        if terms.stays_open_s and connected_s >= terms.stays_open_s and not self._has_parted:
            self._part("it was held open long enough")
        if not terms.bill.is_limited:
            return
        if not self._has_parted and terms.bill.must_end(self, connected_s, self._pace):
            self._is_spent_out = True
            self._waits_at_most = not terms.bill.must_hang_up(self, connected_s)
            self._part("what may be spent is spent")
        elif self._waits_at_most and terms.bill.must_hang_up(self, connected_s):
            self._has_hung_up = True
            self._site.hang_up()
            return
        self._come_back()

    def _come_back(self) -> None:
        """When time alone has cost what it may: nothing else need happen then."""
        bill = self._terms.bill
        due_s = bill.hangs_up_at_s(self) if self._is_spent_out else bill.ends_at_s(self, self._pace)
        limit_s = self._began_s + due_s
        if self._moments.now_s < limit_s < math.inf and limit_s != self._limit_s:
            self._limit_s = limit_s
            self._moments.at(limit_s, _nothing)

    def _part(self, reason: str) -> None:
        self._has_parted = True
        self._site.part(reason)


def _nothing() -> None:
    """A moment at which only the bill is looked at."""
