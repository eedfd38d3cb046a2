"""Bodies of records about the site itself: changes of the list aboard, expected contacts, and the hub's
policy.

They stand in the site's pseudo-case. Of capability lists and of policies the highest version counts; a change
of a list counts only on the very version it names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .findings import VALUE_MAX, Measure
from .orders import CAPABILITY_ITEMS_MAX, Capability, CapabilityItem, Comparison
from .schema import Choice, ListOf, Number, Shaped, Struct, Text, wire
from .stamps import WALL_S_MAX

CONTACTS_MAX: Final = 64
TEMPLATES_MAX: Final = 8
CAPS_MAX: Final = 16
PHONES_MAX: Final = 64
THRESHOLDS_MAX: Final = 64
TEMPLATE_BYTES_MAX: Final = 8 * 1024
"""A form as data; a record holds 16 KiB, so a larger pack is stated in several records."""
_LINE: Final = Text(400)
_WORD: Final = Text(120)
_MOMENT: Final = Number(0, WALL_S_MAX)
_VERSION: Final = Number(1, 2**31)
_CURRENCY: Final = Shaped("[A-Z]{3}", 3)
"""ISO 4217."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityDelta:
    """What has changed aboard since one version of the list: whole items, and numbers that are gone."""

    base_version: int = wire(1, _VERSION)
    version: int = wire(2, _VERSION)
    changed: tuple[CapabilityItem, ...] = wire(
        3, ListOf(Struct(CapabilityItem), CAPABILITY_ITEMS_MAX), default=()
    )
    removed: tuple[int, ...] = wire(4, ListOf(Number(1, 65535), CAPABILITY_ITEMS_MAX), default=())

    def applied_to(self, base: Capability) -> Capability | None:
        """The list after this change; None when it is a change of another list or makes one too long."""
        if base.version != self.base_version or self.version <= base.version:
            return None
        items = {item.item: item for item in (*base.items, *self.changed)}
        kept = tuple(items[number] for number in sorted(items) if number not in self.removed)
        if len(kept) > CAPABILITY_ITEMS_MAX:
            return None
        return Capability(version=self.version, items=kept)


def capability_now(stated: Iterable[Capability | CapabilityDelta]) -> Capability | None:
    """The list of the highest version that full lists and unbroken chains of changes lead to; None without
    any list. `stated` is in the records' order: of two lists of one version the later one counts, and a full
    list counts before what changes lead to."""
    said = tuple(stated)
    full = {each.version: each for each in said if isinstance(each, Capability)}
    reached = dict(full)
    deltas = [each for each in said if isinstance(each, CapabilityDelta)]
    for delta in sorted(deltas, key=lambda each: each.version):  # So that each finds what those below led to.
        base = reached.get(delta.base_version)
        made = None if base is None else delta.applied_to(base)
        if made is not None and made.version not in full:
            reached[made.version] = made
    return reached[max(reached)] if reached else None


class LinkMedium(IntEnum):
    OTHER = 0
    SATELLITE_TERMINAL = 1
    SATELLITE_MESSAGES = 2
    MOBILE_NETWORK = 3
    HF_RADIO = 4
    VHF_RADIO = 5
    WIRED = 6
    COURIER = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedContact:
    """One window in which a link is expected, at what rate and price."""

    medium: LinkMedium = wire(1, Choice(LinkMedium))
    opens_s: int = wire(2, _MOMENT)
    lasts_min: int = wire(3, Number(1, 60 * 24 * 366))
    repeats_every_min: int | None = wire(4, Number(1, 60 * 24 * 366), default=None)
    rate_bit_s: int | None = wire(5, Number(1, 2**31), default=None)
    cents_per_mb: int | None = wire(6, Number(0, 10_000_000), default=None)
    cents_per_min: int | None = wire(7, Number(0, 10_000_000), default=None)
    currency: str | None = wire(8, _CURRENCY, default=None)
    chance_percent: int | None = wire(9, Number(0, 100), default=None)
    remark: str | None = wire(10, _LINE, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPlan:
    """When which link is expected. It forecasts; no duty ends because a window does."""

    contacts: tuple[PlannedContact, ...] = wire(1, ListOf(Struct(PlannedContact), CONTACTS_MAX))
    valid_until_s: int | None = wire(2, _MOMENT, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateText:
    """One form of the pack, as the data that the site's software reads."""

    name: str = wire(1, _WORD)
    version: int = wire(2, Number(1, 65535))
    source: str = wire(3, Text(TEMPLATE_BYTES_MAX))


class CapPeriod(IntEnum):
    CASE = 1
    DAY = 2
    WEEK = 3
    MONTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """What may be spent without asking. Class 0 is never held back by a cap."""

    period: CapPeriod = wire(1, Choice(CapPeriod))
    cents: int | None = wire(2, Number(0, 2**31), default=None)
    currency: str | None = wire(3, _CURRENCY, default=None)
    bytes_sent: int | None = wire(4, Number(0, 2**40), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """Whom to call when the link is not enough."""

    name: str = wire(1, _WORD)
    number: str = wire(2, Shaped("[+0-9][0-9 ()/-]{1,39}", 40))
    purpose: str = wire(3, _LINE)
    hours: str | None = wire(4, _WORD, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmThreshold:
    """A reading beyond which the site is to raise an alarm whatever the orders of a case are."""

    measure: Measure = wire(1, Choice(Measure))
    comparison: Comparison = wire(2, Choice(Comparison))
    value: int = wire(3, Number(0, VALUE_MAX))
    """In the steps of `measure`; the value itself raises none."""
    age_from_years: int | None = wire(4, Number(0, 130), default=None)
    age_below_years: int | None = wire(5, Number(1, 131), default=None)
    then: str = wire(6, _LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePolicy:
    """What a hub sets for a site, signed by the hub: forms, caps, phone book, thresholds. Each record is
    complete for the parts it names; a part that it leaves out stays as the version before had it."""

    version: int = wire(1, _VERSION)
    templates: tuple[TemplateText, ...] = wire(2, ListOf(Struct(TemplateText), TEMPLATES_MAX), default=())
    caps: tuple[Cap, ...] = wire(3, ListOf(Struct(Cap), CAPS_MAX), default=())
    phones: tuple[Phone, ...] = wire(4, ListOf(Struct(Phone), PHONES_MAX), default=())
    thresholds: tuple[AlarmThreshold, ...] = wire(
        5, ListOf(Struct(AlarmThreshold), THRESHOLDS_MAX), default=()
    )
    remark: str | None = wire(6, _LINE, default=None)
