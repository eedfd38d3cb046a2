"""A world as checked immutable data: who is where, on which link, with which cases, and who answers.

Everything here is valid once constructed; what cannot be raises `ValueError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from simulations.links import LinkProfile
from simulations.links.ranges import require_name, require_range, require_text

SITES_MAX: Final = 100_000
DAYS_MAX: Final = 3_660.0
GROUPS_MAX: Final = 256
CLINICIANS_MAX: Final = 10_000
LINKS_PER_SITE_MAX: Final = 8
SHARES_TOLERANCE: Final = 1e-6
HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMix:
    """The consults of one kind of site; sizes and counts are drawn around these."""

    name: str
    source: str
    cases_per_day: float
    """Of one site, on average; they come at random, at any hour."""
    urgency: tuple[float, float, float, float]
    """Shares of emergency, urgent, routine and bulk; together 1."""
    text_bytes: int
    """Sealed text of a case, the median; one in six is half as much again (log-normal, sigma 0.4)."""
    photos: float
    """Photographs of a case, on average."""
    photo_bytes: int
    """Standard layer of one, sealed; its preview is a sixth of it."""
    follow_ups: float
    """Later entries of a case, on average: notes, vitals, answers to questions."""
    complaints: tuple[tuple[str, float], ...]
    """What cases are about, with shares that are together 1; a skill is asked for by this name."""

    def __post_init__(self) -> None:
        require_range("cases_per_day", self.cases_per_day, 0.0, 1_000.0)
        require_range("text_bytes", self.text_bytes, 50, 65_536)
        require_range("photos", self.photos, 0.0, 50.0)
        require_range("photo_bytes", self.photo_bytes, 500, 10_000_000)
        require_range("follow_ups", self.follow_ups, 0.0, 50.0)
        _require_shares("urgency", self.urgency)
        _require_shares("complaints", [share for _, share in self.complaints])


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLink:
    """A link that every site of a group has, and how the operator lets it be used."""

    profile: LinkProfile
    every_s: float
    """Between two looks for replies; 0 keeps a session open."""
    floor: Priority = Priority.BULK
    """The least urgent class it carries."""
    usd_per_day_max: float | None = None
    reserve: float = 0.25
    """The share of the cap that only emergencies may spend."""

    def __post_init__(self) -> None:
        require_range("every_s", self.every_s, 0.0, 90 * DAY_S)
        require_range("reserve", self.reserve, 0.0, 1.0)
        if self.usd_per_day_max is not None:
            require_range("usd_per_day_max", self.usd_per_day_max, 0.0, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteGroup:
    """Sites that are alike."""

    name: str
    count: int
    mix: CaseMix
    region: str
    """Sites of one region share its weather."""
    links: tuple[SiteLink, ...]

    def __post_init__(self) -> None:
        require_text("name", self.name)
        require_range("count", self.count, 1, SITES_MAX)
        require_range("links", len(self.links), 1, LINKS_PER_SITE_MAX)
        seen: set[str] = set()
        for number, link in enumerate(self.links, start=1):
            if link.profile.name in seen:
                raise ValueError(
                    f"links[{number}].profile is {link.profile.name!r}: a site has each link once"
                )
            seen.add(link.profile.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinicians:
    """Specialists who work the same hours."""

    name: str
    count: int
    skills: tuple[str, ...]
    """Complaints they answer; none named: all."""
    from_hour: float
    until_hour: float
    """UTC; before `from_hour` it is over midnight. The same hour twice is round the clock."""
    reading_s: float
    """To read a case and write the reply, the median; half as long again for one in six."""

    def __post_init__(self) -> None:
        require_range("count", self.count, 1, CLINICIANS_MAX)
        require_range("from_hour", self.from_hour, 0.0, 24.0)
        require_range("until_hour", self.until_hour, 0.0, 24.0)
        require_range("reading_s", self.reading_s, 1.0, DAY_S)

    def is_at_work(self, at_s: float) -> bool:
        """Whether their shift is on at this second of the run, which begins at midnight UTC."""
        hour = at_s % DAY_S / HOUR_S
        if self.from_hour == self.until_hour:
            return True
        if self.from_hour < self.until_hour:
            return self.from_hour <= hour < self.until_hour
        return hour >= self.from_hour or hour < self.until_hour

    def next_at_work_s(self, at_s: float) -> float:
        """The first moment from `at_s` on at which their shift is on."""
        if self.is_at_work(at_s):
            return at_s
        begins_s = at_s - at_s % DAY_S + self.from_hour * HOUR_S
        return begins_s if begins_s >= at_s else begins_s + DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Storms:
    """Weather that takes the named links of a whole region at once."""

    region: str
    profiles: tuple[str, ...]
    every_days: float
    """Between two, on average."""
    lasts_s_min: float
    lasts_s_max: float

    def __post_init__(self) -> None:
        if not self.profiles:
            raise ValueError("profiles is empty: the storm would take no link")
        require_range("every_days", self.every_days, 0.01, DAYS_MAX)
        require_range("lasts_s_min", self.lasts_s_min, 1.0, 90 * DAY_S)
        require_range("lasts_s_max", self.lasts_s_max, self.lasts_s_min, 90 * DAY_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOutage:
    """A time in which the hub answers nobody."""

    start_s: float
    duration_s: float

    def __post_init__(self) -> None:
        require_range("start_s", self.start_s, 0.0, DAYS_MAX * DAY_S)
        require_range("duration_s", self.duration_s, 1.0, DAYS_MAX * DAY_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All of it."""

    name: str
    title: str
    source: str
    days: float
    reply_bytes: int
    groups: tuple[SiteGroup, ...]
    clinicians: tuple[Clinicians, ...]
    storms: tuple[Storms, ...] = ()
    hub_outages: tuple[HubOutage, ...] = ()

    def __post_init__(self) -> None:
        require_name("name", self.name)
        require_text("title", self.title)
        require_text("source", self.source)
        require_range("days", self.days, 0.01, DAYS_MAX)
        require_range("reply_bytes", self.reply_bytes, 50, 65_536)
        require_range("sites", len(self.groups), 1, GROUPS_MAX)
        if self.site_count > SITES_MAX:
            raise ValueError(f"sites is {self.site_count}: at most {SITES_MAX} are simulated")
        if not self.clinicians:
            raise ValueError("clinicians is empty: nobody would answer")
        known = {group.region for group in self.groups}
        for number, storm in enumerate(self.storms, start=1):
            if storm.region not in known:
                raise ValueError(f"storms[{number}].region is {storm.region!r}: no site lies there")
        self._require_one_profile_a_name()
        self._require_every_skill()

    def _require_one_profile_a_name(self) -> None:
        """What is measured of a link in a run is kept by its name."""
        profiles: dict[str, LinkProfile] = {}
        for number, group in enumerate(self.groups, start=1):
            for place, link in enumerate(group.links, start=1):
                if profiles.setdefault(link.profile.name, link.profile) != link.profile:
                    raise ValueError(
                        f"sites[{number}].links[{place}].profile is {link.profile.name!r}: another profile "
                        "of this world has the same name"
                    )

    def _require_every_skill(self) -> None:
        complaints = {complaint for group in self.groups for complaint, _ in group.mix.complaints}
        unanswered = complaints - {skill for each in self.clinicians for skill in each.skills}
        if unanswered and all(each.skills for each in self.clinicians):
            raise ValueError(f"skills is too short: nobody answers {sorted(unanswered)[0]!r}")

    @property
    def site_count(self) -> int:
        return sum(group.count for group in self.groups)


def _require_shares(name: str, shares: list[float] | tuple[float, ...]) -> None:
    for share in shares:
        require_range(name, share, 0.0, 1.0)
    if abs(sum(shares) - 1.0) > SHARES_TOLERANCE:
        raise ValueError(f"{name} is {sum(shares):g} in total: shares are together 1")
