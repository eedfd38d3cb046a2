"""The results of a whole run: what disks, wires and people remember of it, as the tables of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simulations.fleet.goods import Story
from simulations.report import WHOLE_STACK, AlarmRow, DeliveryRow, QueueRow, RunResults, SiteRow
from simulations.world import SiteGroup

from .bills import Paid, carried_by
from .bundles import Seen
from .disks import Label, SiteNotes
from .links import Laid, least_s
from .stories import Stories

BYTES_PER_MEGABYTE: Final = 1e6
NOTES: Final = (
    "Alarms are those that the product raised itself; it has none for a hub that is down, for a region that "
    "has fallen silent, or for a case that nobody takes.",
    "Cases of the class bulk were opened as routine: the forms of a site know no such class.",
    "A site learns of an arrival half a round trip after it, and its forecasts are of that moment: what came "
    "earlier than told by less than that is counted as early.",
    "Bytes and money of a site are those of its wires, lost packets included, by its tariffs; what it has "
    "counted itself is less by what was lost on the way to it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One site, once the run is over."""

    number: int
    machine: str
    name: str
    group: SiteGroup
    laid: tuple[Laid, ...]
    notes: SiteNotes
    paid: tuple[Paid, ...]


def results_of(
    *,
    world: str,
    policy: str,
    seed: int,
    until_s: float,
    checked: tuple[str, ...],
    sites: Sequence[Played],
    stories: Stories,
    seen: Sequence[Seen],
    labels: Mapping[bytes, Label],
    queue: Sequence[QueueRow],
    alarms: Sequence[AlarmRow],
) -> RunResults:
    """All but what only the end of the run knows: its hash, its violations and how long it took."""
    by_machine = {site.machine: site for site in sites}
    deliveries: list[DeliveryRow] = []
    for each in seen:
        label = labels.get(each.bundle)
        story = None if label is None else stories.of(label.case)
        if label is None or story is None or each.queued_s > until_s:
            continue  # Keys, or a list of drugs: no case's.
        deliveries.append(_delivery(each, label, story, by_machine[each.site], until_s))
    return RunResults(
        world=world,
        policy=policy,
        seed=seed,
        duration_s=until_s,
        trace_hash="",
        wall_s=0.0,
        checked=checked,
        sites=tuple(_site_row(site) for site in sites),
        cases=tuple(story.row() for story in stories.opened),
        deliveries=tuple(deliveries),
        queue=tuple(queue),
        alarms=tuple(alarms),
        violations=(),
        played=WHOLE_STACK,
        notes=NOTES,
    )


def _delivery(seen: Seen, label: Label, story: Story, site: Played, until_s: float) -> DeliveryRow:
    """Also tells the story of its case what it means."""
    stored_s = None if seen.stored_s is None or seen.stored_s > until_s else seen.stored_s
    what = _word(label.what)
    told = site.notes.told.get(seen.bundle)
    contact = None if stored_s is None else carried_by(site.paid, stored_s)
    link = next((each for each in site.laid if contact and each.settings.name == contact.link), site.laid[0])
    if stored_s is not None:
        _tell(story, seen, what, stored_s, _own_usd(seen, link))
    bound_s = least_s(site.laid, seen.queued_s, seen.size_bytes, up=seen.up)
    return DeliveryRow(
        site=site.number,
        case=story.case,
        what=what,
        priority=int(seen.priority),
        up=seen.up,
        link="" if contact is None else contact.link,
        size_bytes=seen.size_bytes,
        queued_s=seen.queued_s,
        stored_s=stored_s,
        bound_s=None if bound_s == float("inf") else bound_s,
        forecast_low_s=None if told is None else told.low_s,
        forecast_high_s=None if told is None else told.high_s,
    )


def _tell(story: Story, seen: Seen, what: str, stored_s: float, usd: float) -> None:
    if seen.up:
        story.bytes_up += seen.size_bytes
    else:
        story.bytes_down += seen.size_bytes
    story.usd += usd
    if seen.up and what in ("headline", "text"):
        story.useful_s = _earlier(story.useful_s, stored_s)
    if what == "text":
        story.text_stored_s = _earlier(story.text_stored_s, stored_s)
    if what == "reply":
        story.reply_stored_s = _earlier(story.reply_stored_s, stored_s)


def _earlier(one_s: float | None, other_s: float) -> float:
    return other_s if one_s is None else min(one_s, other_s)


def _own_usd(seen: Seen, link: Laid) -> float:
    """Of its bytes alone, and of the time that they take; as event mode shares money out."""
    direction = link.profile.up if seen.up else link.profile.down
    tariff = link.settings.tariff
    return tariff.usd_per_megabyte * seen.size_bytes / BYTES_PER_MEGABYTE + (
        tariff.usd_per_minute * direction.serialisation_s(seen.size_bytes) / 60
    )


def _word(what: str) -> str:
    """The product's word for people, as the tables of a report call it."""
    kind = what.partition(":")[0]
    return _WORDS.get(kind, kind)


_WORDS: Final = {"standard": "photo", "immediate advice": "advice"}


def _site_row(site: Played) -> SiteRow:
    return SiteRow(
        site=site.number,
        name=site.name,
        kind=site.group.name,
        links=", ".join(link.settings.name for link in site.laid),
        contacts=sum(each.attempts for each in site.paid),
        contacts_failed=sum(each.attempts for each in site.paid if not each.reached),
        bytes_up=sum(each.bytes_up for each in site.paid),
        bytes_down=sum(each.bytes_down for each in site.paid),
        usd=round(sum(each.usd for each in site.paid), 6),
    )
