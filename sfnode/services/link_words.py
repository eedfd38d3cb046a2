"""How the links are, and what they hold back, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from protocol.header import Priority
from sfnode.config import LinkSettings
from sync.scheduler import NOTHING_SPENT, Held, HeldBy, LinkNow, Tick, counted
from sync.scheduler.spending import DAY_S

from .link_ledger import LinkLedger


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the links are, for the status line."""

    up: bool
    words: str


def link_state(links: Sequence[LinkSettings], ledger: LinkLedger) -> LinkState:
    """Up means that the hub was heard in the contact under way, or else in the last one."""
    if links[0].hub_url is None:
        return LinkState(False, "not configured")
    states = [(link, one_link_state(link, ledger)) for link in links]
    up = [state.words for _, state in states if state is not None and state.up]
    untried = [link.name for link, state in states if state is None]
    down = [(link.name, state.words) for link, state in states if state is not None and not state.up]
    is_only = len(links) == 1
    words = [
        *up,
        *([f"not tried yet, {', '.join(untried)}"] if untried and not up else []),
        *(words if is_only else f"{name} {words}" for name, words in down),
    ]
    return LinkState(bool(up), "; ".join(words))


def one_link_state(link: LinkSettings, ledger: LinkLedger) -> LinkState | None:
    """None before it was tried."""
    if (down := ledger.down(link.name)) is not None:
        since = f"{datetime.fromtimestamp(down.since_s, UTC):%H:%MZ}"
        return LinkState(False, f"down since {since}: {_in_short(down.reason)}")
    return LinkState(True, f"up, {link.name}") if ledger.has_worked(link.name) else None


def held_sentence(held: Held, links: Sequence[LinkSettings], ledger: LinkLedger) -> str:
    """What is held back, by what, and how to lift it."""
    by_name = {link.name: link for link in links}
    reasons = [reason_words(by_name[name], reason) for name, reason in held.by if name in by_name]
    count, size_bytes = held.backlog.bundles, held.backlog.size_bytes
    items = f"{count} {held.priority.name.lower()} {'item' if count == 1 else 'items'}"
    return (
        f"{items} ({size_bytes / 1000:.1f} kB) held back: {'; '.join(reasons)}. What was written is safe and "
        f"stays queued. {' '.join(_ways_out(held, by_name, ledger))}"
    )


def look_held_sentence(link: LinkSettings, ledger: LinkLedger) -> str:
    """Nothing waits, and today's cap does not even pay for a look for replies."""
    return (
        f"Nothing was dialled: {reason_words(link, HeldBy.CAP)}. Emergencies still go. "
        f"{' '.join(_way_out(link, HeldBy.CAP, ledger))}"
    )


def beyond_cap_sentence(link: LinkSettings) -> str:
    """An emergency has gone although nothing was left."""
    return (
        f"An EMERGENCY went over {link.name} although today's cap of {_cap(link)} is used up: no cap "
        "holds one."
    )


def reason_words(link: LinkSettings, by: HeldBy) -> str:
    """What holds a class back on one link."""
    match by:
        case HeldBy.FLOOR:
            return f"{link.name} carries nothing below {link.floor}"
        case HeldBy.MANUAL:
            return f"{link.name} dials only on `sfnode sync`"
        case HeldBy.CAP:
            reserve = (
                f" ({link.reserve_share:.0%} of it is kept for emergencies)" if link.reserve_share else ""
            )
            return f"on {link.name} today's cap of {_cap(link)} pays for no further contact{reserve}"


def partly_held_words(
    link: LinkSettings, now: LinkNow, classes: Mapping[Priority, HeldBy | None], tick: Tick
) -> str | None:
    """What of these classes goes and what does not, until when; None where all may go."""
    reasons = [reason for reason in classes.values() if reason is not None]
    if not reasons:
        return None
    until = f" until {_renewal_words(now, tick)}" if _ends_by_itself(now, reasons[0]) else ""
    why = f"{reason_words(link, reasons[0])}{until}"
    going = [priority for priority, reason in classes.items() if reason is None]
    if not going:
        return why
    names = " and ".join(_CLASS_WORDS[priority] for priority in going)
    return f"the {names} part goes now; the rest is held: {why}"


def over_cap_words(now: LinkNow, classes: Sequence[Priority], tick: Tick) -> str:
    """All of these may begin, and would cost more than is left."""
    first = "the EMERGENCY part goes whole; " if Priority.EMERGENCY in classes else ""
    return (
        f"{first}more than what may still be spent on it today: what it does not pay for goes after "
        f"{_renewal_words(now, tick)}"
    )


_CLASS_WORDS: Final = {
    Priority.EMERGENCY: "EMERGENCY",
    Priority.URGENT: "urgent",
    Priority.ROUTINE: "routine",
    Priority.BULK: "bulk",
}


def _ends_by_itself(now: LinkNow, by: HeldBy) -> bool:
    """Not where even a fresh day's cap pays for no contact."""
    return by is HeldBy.CAP and replace(now, spent=NOTHING_SPENT).may_look()


def _raise_words(link: LinkSettings) -> str:
    cap = "usd" if link.cap_usd_per_day is not None else "bytes"
    return f"`sfnode link set {link.name} --cap-{cap}-per-day N` or `--no-cap`"


def _renewal_words(now: LinkNow, tick: Tick) -> str:
    """When the cap's next day begins, by the rule that counts it."""
    if tick.is_set:
        left_s = DAY_S - tick.wall_s % DAY_S
        midnight = replace(tick, monotonic_s=tick.monotonic_s + left_s, wall_s=tick.wall_s + left_s)
        if counted(now.spent, midnight) is not now.spent:
            return "00:00Z"
    return "24 hours of running have passed since it was first used"


def _ways_out(held: Held, by_name: dict[str, LinkSettings], ledger: LinkLedger) -> list[str]:
    """For each kind of reason once."""
    seen: dict[HeldBy, LinkSettings] = {}
    for name, reason in held.by:
        if name in by_name:
            seen.setdefault(reason, by_name[name])
    return [words for reason, link in seen.items() for words in _way_out(link, reason, ledger)]


def _way_out(link: LinkSettings, by: HeldBy, ledger: LinkLedger) -> tuple[str, ...]:
    match by:
        case HeldBy.FLOOR:
            return (f"To let it go: `sfnode link set {link.name} --floor bulk`.",)
        case HeldBy.MANUAL:
            return ("To send it: `sfnode sync`.",)
        case HeldBy.CAP:
            fresh = LinkNow(terms=link.terms, measured=ledger.measured(link))
            if _ends_by_itself(fresh, by):
                return (
                    f"It goes on the next day (UTC); to let it go now, raise the cap: {_raise_words(link)}.",
                )
            return (f"No day's cap pays for a contact: it goes once that is raised: {_raise_words(link)}.",)


def _cap(link: LinkSettings) -> str:
    caps = []
    if link.cap_usd_per_day is not None:
        caps.append(usd_words(link.cap_usd_per_day))
    if link.cap_bytes_per_day is not None:
        caps.append(f"{link.cap_bytes_per_day / 1000:.0f} kB")
    return " or ".join(caps)


def usd_words(usd: float) -> str:
    """Less than a cent is told with the figures it has, never as nothing."""
    return f"${usd:.2g}" if 0 < usd < 0.01 else f"${usd:.2f}"


def _in_short(reason: str) -> str:
    """What fits a status line: the first sentence, without the machine's own words in brackets."""
    return reason.partition(". ")[0].partition(" (")[0].rstrip(".")
