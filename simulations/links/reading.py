"""Turns a parsed document into a link profile and back, refusing what it does not understand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from .capacity import RateStep, RateTrace
from .outages import Cycle, Orbit, Outage, RandomOutages
from .profile import BurstLoss, DirectionProfile, HalfDuplex, LinkProfile, Mailbox
from .recording import read_recording
from .table import Table
from .tariff import Tariff

Built = TypeVar("Built")


def profile_document(profile: LinkProfile) -> dict[str, object]:
    """The same profile as plain nested values, as a TOML or JSON file would hold them."""
    document = _without_absent(asdict(profile))
    if profile.orbit is not None:
        document["orbit"] = asdict(profile.orbit) | {"opened_at": profile.orbit.opened_at.isoformat()}
    for way, direction in (("up", profile.up), ("down", profile.down)):
        if direction.trace is not None:
            rates = [[step.at_s, step.rate_bit_s] for step in direction.trace.steps]
            plain = _without_absent(asdict(direction))
            document[way] = plain | {"trace": {"period_s": direction.trace.period_s, "rates": rates}}
    return document


def read_profile(root: Table, folder: Path | None = None) -> LinkProfile:
    """Read one profile from an already parsed document; the reverse of `profile_document`."""
    outages = tuple(root.tables("outages", _read_outage))
    profile = root.build(
        lambda: LinkProfile(
            name=root.text("name"),
            title=root.text("title"),
            source=root.text("source"),
            mtu_bytes=root.whole("mtu_bytes"),
            up=_read_direction(root.table("up"), "up", folder),
            down=_read_direction(root.table("down"), "down", folder),
            tariff=_optional(root, "tariff", _tariff) or Tariff(),
            outages=outages,
            cycle=_optional(root, "cycle", _cycle),
            random_outages=_optional(root, "random_outages", _random_outages),
            orbit=_optional(root, "orbit", _orbit),
            half_duplex=_optional(root, "half_duplex", _half_duplex),
            mailbox=_optional(root, "mailbox", _mailbox),
        )
    )
    root.refuse_unread()
    return profile


def _optional(root: Table, key: str, construct: Callable[[Table], Built]) -> Built | None:
    table = root.optional_table(key)
    if table is None:
        return None
    built = table.build(lambda: construct(table))
    table.refuse_unread()
    return built


def _read_direction(table: Table, way: str, folder: Path | None) -> DirectionProfile:
    trace = _read_trace(table, way, folder)
    mean_bit_s = None if trace is None else max(1.0, trace.rate_bit_s_mean)
    direction = table.build(
        lambda: DirectionProfile(
            rate_bit_s=table.number("rate_bit_s", mean_bit_s),
            delay_ms=table.number("delay_ms"),
            jitter_ms=table.number("jitter_ms", 0.0),
            loss=table.number("loss", 0.0),
            queue_bytes=table.whole("queue_bytes"),
            burst=_optional(table, "burst", _burst),
            trace=trace,
        )
    )
    table.refuse_unread()
    return direction


def _read_trace(table: Table, way: str, folder: Path | None) -> RateTrace | None:
    """Written out, or the name of a recording beside the profile."""
    if not table.holds_text("trace"):
        return _optional(table, "trace", _trace)
    name = table.text("trace")
    if folder is None:
        table.refuse("trace", "only a profile in a file of its own can name a recording")
    return read_recording(folder / name, shown_as=str(folder / name), way=way)


def _trace(table: Table) -> RateTrace:
    steps = []
    for number, (at_s, rate_bit_s) in enumerate(table.pairs("rates"), start=1):
        if isinstance(at_s, bool) or isinstance(rate_bit_s, bool):
            table.refuse(f"rates[{number}]", "true and false are no rates")
        if not isinstance(at_s, int | float) or not isinstance(rate_bit_s, int | float):
            table.refuse(f"rates[{number}]", "each of them is a time in seconds and a rate in bit/s")
        steps.append(RateStep(float(at_s), float(rate_bit_s)))
    return RateTrace(tuple(steps), table.number("period_s"))


def _burst(table: Table) -> BurstLoss:
    return BurstLoss(
        to_bad=table.number("to_bad"),
        to_good=table.number("to_good"),
        loss_good=table.number("loss_good", 0.0),
        loss_bad=table.number("loss_bad", 1.0),
    )


def _tariff(table: Table) -> Tariff:
    return Tariff(
        usd_per_mb=table.number("usd_per_mb", 0.0),
        usd_per_minute=table.number("usd_per_minute", 0.0),
        usd_per_message=table.number("usd_per_message", 0.0),
        increment_s=table.number("increment_s", 0.0),
        session_bytes_min=table.whole("session_bytes_min", 0),
    )


def _read_outage(table: Table) -> Outage:
    outage = table.build(lambda: Outage(table.number("start_s"), table.number("duration_s")))
    table.refuse_unread()
    return outage


def _cycle(table: Table) -> Cycle:
    return Cycle(
        up_s=table.number("up_s"), down_s=table.number("down_s"), phase_s=table.number("phase_s", 0.0)
    )


def _random_outages(table: Table) -> RandomOutages:
    return RandomOutages(
        up_s_min=table.number("up_s_min"),
        up_s_max=table.number("up_s_max"),
        down_s_min=table.number("down_s_min"),
        down_s_max=table.number("down_s_max"),
    )


def _orbit(table: Table) -> Orbit:
    return Orbit(
        tles=tuple((str(first).strip(), str(second).strip()) for first, second in table.pairs("tles")),
        latitude_deg=table.number("latitude_deg"),
        longitude_deg=table.number("longitude_deg"),
        elevation_deg_min=table.number("elevation_deg_min"),
        opened_at=table.moment("opened_at"),
    )


def _half_duplex(table: Table) -> HalfDuplex:
    return HalfDuplex(table.number("turnaround_ms"))


def _mailbox(table: Table) -> Mailbox:
    return Mailbox(
        up_bytes_max=table.whole("up_bytes_max"),
        down_bytes_max=table.whole("down_bytes_max"),
        interval_s=table.number("interval_s"),
        delay_s_min=table.number("delay_s_min"),
        delay_s_max=table.number("delay_s_max"),
        loss=table.number("loss", 0.0),
        copies_max=table.whole("copies_max", 1),
        first_departure_s=table.optional_number("first_departure_s"),
    )


def _without_absent(values: dict[str, object]) -> dict[str, object]:
    return {
        key: _without_absent(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }
