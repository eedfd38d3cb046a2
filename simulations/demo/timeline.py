"""When what arrived, beside the physical bound, what it cost, and whether all of it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulations.emulator import LinkCounters
from simulations.links import LinkProfile

from .comparison import Posted
from .screen import table


@dataclass(slots=True)
class Timeline:
    """Milestones in seconds after the medic sent the case, as the receiving store recorded them."""

    milestones: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What did not arrive whole; empty means that everything did."""
    sealed_up_bytes: int = 0
    received_twice_bytes: int = 0
    dark_s: float = 0.0
    """How long the demonstration itself kept the node dead or the link dark."""

    def reach(self, what: str, second: float) -> None:
        """The first time counts."""
        self.milestones.setdefault(what, second)

    def require(self, holds: bool, what_if_not: str) -> None:
        """Note a problem unless `holds`."""
        if not holds:
            self.problems.append(what_if_not)


def bound_s(profile: LinkProfile, sealed_bytes: int) -> float:
    """No protocol is faster: the sealed payload at the line's rate, and one round trip."""
    return sealed_bytes * 8 / profile.up.rate_bit_s + profile.rtt_ms / 1000


def milestone_lines(timeline: Timeline) -> list[str]:
    """The timeline as a table, in order of time."""
    rows = [
        (f"{second:8.1f}", what) for what, second in sorted(timeline.milestones.items(), key=lambda m: m[1])
    ]
    return table(("second", "what"), rows)


def comparison_lines(
    profile: LinkProfile, timeline: Timeline, counters: LinkCounters, posted: Posted | None
) -> list[str]:
    """Bytes, time and money of this run, beside the bound and the one POST."""
    last_s = max((s for what, s in timeline.milestones.items() if what.startswith("standard")), default=0.0)
    first_s = timeline.milestones.get("headline", 0.0)
    least_s = bound_s(profile, timeline.sealed_up_bytes)
    rows = [
        _row("sf-telemed", first_s, last_s, counters, profile),
        ("bound", "", f"{least_s:.1f} s", f"{timeline.sealed_up_bytes}", "", ""),
    ]
    if posted is not None:
        rows.append(
            _row("HTTPS POST, JSON + base64", posted.seconds, posted.seconds, posted.counters, profile)
        )
    lines = table(("", "first useful", "all photos", "IP bytes up", "IP bytes down", "price"), rows)
    lines.append("")
    flying_s = last_s - timeline.dark_s
    lines.append(
        f"All photographs: {last_s:.1f} s; node or link were down for {timeline.dark_s:.1f} s of it: "
        f"{flying_s / least_s:.2f} times the bound without those, {last_s / least_s:.2f} with."
    )
    lines.append(f"Bytes received twice over the kill and the cut together: {timeline.received_twice_bytes}.")
    if posted is not None:
        lines.append("The POST had its own link of the same kind at the same time, with no kill and no cut.")
    return lines


def _row(
    name: str, first_s: float | None, last_s: float | None, counters: LinkCounters, profile: LinkProfile
) -> Sequence[str]:
    total = counters.up_bytes_sent + counters.down_bytes_sent
    price = profile.tariff.cost_usd(ip_bytes=total, connected_s=last_s or 0.0)
    return (
        name,
        _seconds(first_s),
        _seconds(last_s),
        f"{counters.up_bytes_sent}",
        f"{counters.down_bytes_sent}",
        f"USD {price:.2f}",
    )


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
