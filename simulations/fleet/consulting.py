"""The people at the sites: cases opened and followed up, replies read, each queued as its bundles."""

from __future__ import annotations

from functools import partial
from typing import Final

from protocol.header import Priority
from simulations.checkers.observations import BundleAdded
from simulations.hosts.disk import done
from simulations.report import AlarmRow
from simulations.workload import Consult, FollowUp, consults_of
from sync.scheduler.arrival import soonest_s

from .fleet import HUB, Fleet, who
from .goods import RECIPIENT_KEY, Parcel, Story
from .site import FleetSite, rank_of

SEEN_BYTES: Final = 96
SEEN_AFTER_S: Final = 240.0
"""Until somebody reads a reply, the median."""
SEEN_SIGMA: Final = 0.8
RECHECKS: Final = 6
RECHECK_S: Final = 4 * 3_600.0
"""What an urgent reply asks for: new readings every four hours of the first day."""
MISSED_SHARE: Final = 0.1
"""Of rechecks: no reading is entered when it is due, and the node rings. A working figure."""
ONLY_ENTERED_LATE_SHARE: Final = 0.5
"""Of those: it was measured in time and nobody had typed it in, so nothing is to be done."""
UNSENT_S: Final = 900.0
"""An emergency that did not leave for so long rings at the site: call by voice."""


class Consulting:
    """Fills the sites' custody, and the hub's on its way back."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def plan(self, site: FleetSite) -> None:
        """All that the site's people will ask, by its mix."""
        key = f"consults/{self._fleet.seed}/{site.number}"
        for consult in consults_of(site.group.mix, until_s=self._fleet.until_s, seed=key):
            site.plan(consult.opened_s, partial(self._open_case, site, consult))

    def reply_came(self, site: FleetSite, story: Story, priority: Priority, at_s: float) -> None:
        """A reply is at the site: it rings if it is urgent, and somebody reads it."""
        story.reply_stored_s = at_s
        seen_s = at_s + SEEN_AFTER_S * site.draw.lognormvariate(0.0, SEEN_SIGMA)
        site.plan(seen_s, partial(self._see, site, story))
        if priority <= Priority.URGENT:
            cause = "an urgent reply to read"
            self._fleet.alarm(AlarmRow(at_s=at_s, site=site.number, cause=cause, needs_action=True))
            for number in range(1, RECHECKS + 1):
                self._fleet.later(at_s + number * RECHECK_S, partial(self._recheck, site))

    def _recheck(self, site: FleetSite, now_s: float) -> None:
        if site.draw.random() < MISSED_SHARE:
            needs_action = site.draw.random() >= ONLY_ENTERED_LATE_SHARE
            cause = "a recheck without a reading"
            self._fleet.alarm(AlarmRow(at_s=now_s, site=site.number, cause=cause, needs_action=needs_action))

    def queue_down(self, site: FleetSite, story: Story, what: str, size_bytes: int, now_s: float) -> None:
        """The hub has something for the site."""
        self._queue(site, story, what, size_bytes, now_s, up=False)
        site.hub_bundles += 1

    def _open_case(self, site: FleetSite, consult: Consult, now_s: float) -> None:
        story = self._fleet.goods.open_case(site.number, consult)
        self._queue(site, story, "headline", consult.headline_bytes, now_s)
        self._queue(site, story, "text", consult.text_bytes, now_s)
        for what, sizes in (("preview", consult.previews_bytes), ("photo", consult.photos_bytes)):
            for size_bytes in sizes:
                self._queue(site, story, what, size_bytes, now_s)
        for follow_up in consult.follow_ups:
            site.plan(now_s + follow_up.after_s, partial(self._follow_up, site, story, follow_up))
        if consult.priority is Priority.EMERGENCY:
            self._fleet.later(now_s + UNSENT_S, partial(self._check_left, story))

    def _follow_up(self, site: FleetSite, story: Story, follow_up: FollowUp, now_s: float) -> None:
        self._queue(site, story, "note", follow_up.size_bytes, now_s)

    def _see(self, site: FleetSite, story: Story, now_s: float) -> None:
        story.seen_s = now_s
        self._queue(site, story, "seen", SEEN_BYTES, now_s)

    def _check_left(self, story: Story, now_s: float) -> None:
        if story.useful_s is None:
            cause = "an emergency that has not left"
            self._fleet.alarm(AlarmRow(at_s=now_s, site=story.site, cause=cause, needs_action=True))

    def _queue(
        self, site: FleetSite, story: Story, what: str, size_bytes: int, now_s: float, *, up: bool = True
    ) -> None:
        parcel = self._parcel(site, story, what, size_bytes, now_s, up=up)
        self._fleet.goods.keep(parcel)
        done(
            (site.store if up else site.hub_store).add(
                bundle_id=parcel.bundle,
                priority=parcel.priority,
                rank=parcel.rank,
                recipient_key=RECIPIENT_KEY,
                dwell_code=1,
                sealed=parcel.sealed,
            )
        )
        if up:
            self._estimate(site, parcel, now_s)
        place, peer = (who(site), HUB) if up else (HUB, who(site))
        self._fleet.note(now_s, place, "queued", bundle=parcel.bundle, part=what, size=size_bytes)
        self._fleet.observe(
            BundleAdded(
                at_s=now_s,
                place=place,
                peer=peer,
                bundle=parcel.bundle,
                priority=parcel.priority,
                size_bytes=size_bytes,
            )
        )

    def _parcel(
        self, site: FleetSite, story: Story, what: str, size_bytes: int, now_s: float, *, up: bool
    ) -> Parcel:
        priority = story.consult.priority
        return Parcel(
            bundle=self._fleet.goods.new_bundle(),
            site=site.number,
            case=story.case,
            what=what,
            priority=priority,
            rank=rank_of(what),
            up=up,
            size_bytes=size_bytes,
            queued_s=now_s,
            bound_s=site.bound_s(now_s, size_bytes, up=up),
        )

    @staticmethod
    def _estimate(site: FleetSite, parcel: Parcel, now_s: float) -> None:
        """What the medic is told when it is queued."""
        site.queued(parcel.priority, parcel.size_bytes)
        site.hasten(now_s)
        link = site.usual_link(parcel.priority, parcel.size_bytes, now_s)
        if link is None:
            return
        parcel.estimated_s = soonest_s(link.measured, site.ahead_bytes(parcel.priority, link))
        parcel.arrivals = site.arrivals_over(link)
        interval = parcel.arrivals.interval(parcel.estimated_s)
        parcel.forecast = None if interval is None else (interval.low_s, interval.high_s)
