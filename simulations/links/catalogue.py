"""Finds link profiles by name or path and reads them from TOML, refusing what it does not understand."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from .errors import ProfileError
from .profile import BurstLoss, Cycle, DirectionProfile, LinkProfile, Outage, Tariff
from .table import Table

DEFAULT_PROFILE = "certus-100"
PROFILE_BYTES_MAX = 1_000_000


def profile_names() -> tuple[str, ...]:
    """The names of the profiles that are shipped, in alphabetical order."""
    return tuple(sorted(_stem(entry) for entry in _shipped().iterdir() if entry.name.endswith(".toml")))


def load_profile(name_or_path: str) -> LinkProfile:
    """Load a shipped profile by its name, or any TOML file by its path; raises `ProfileError`."""
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return _load_file(Path(name_or_path), shown_as=name_or_path)
    if name_or_path not in profile_names():
        raise ProfileError(
            f"There is no link profile named {name_or_path!r}. Known are {', '.join(profile_names())}; "
            "for a file of your own, give its path ending in .toml."
        )
    return _load_file(_shipped() / f"{name_or_path}.toml", shown_as=f"{name_or_path}.toml")


def parse_profile(text: str, *, shown_as: str) -> LinkProfile:
    """Read one profile from TOML text; `shown_as` names its origin in any `ProfileError`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{shown_as} is not valid TOML: {error}.") from error
    return read_profile(Table(document, path="", text=text, shown_as=shown_as))


def profile_document(profile: LinkProfile) -> dict[str, object]:
    """The same profile as plain nested values, as a TOML or JSON file would hold them."""
    return _without_absent(asdict(profile))


def read_profile(root: Table) -> LinkProfile:
    """Read one profile from an already parsed document; the reverse of `profile_document`."""
    outages = tuple(root.tables("outages", _read_outage))
    profile = root.build(
        lambda: LinkProfile(
            name=root.text("name"),
            title=root.text("title"),
            source=root.text("source"),
            mtu_bytes=root.whole("mtu_bytes"),
            up=_read_direction(root.table("up")),
            down=_read_direction(root.table("down")),
            tariff=_read_tariff(root.optional_table("tariff")),
            outages=outages,
            cycle=_read_cycle(root.optional_table("cycle")),
        )
    )
    root.refuse_unread()
    return profile


def _shipped() -> Traversable:
    return files("simulations") / "profiles"


def _without_absent(values: dict[str, object]) -> dict[str, object]:
    return {
        key: _without_absent(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def _stem(entry: Traversable) -> str:
    return entry.name.removesuffix(".toml")


def _load_file(source: Traversable | Path, *, shown_as: str) -> LinkProfile:
    try:
        with source.open("rb") as stream:
            raw = stream.read(PROFILE_BYTES_MAX + 1)
    except OSError as error:
        raise ProfileError(f"{shown_as} cannot be read: {error.strerror or error}.") from error
    if len(raw) > PROFILE_BYTES_MAX:
        raise ProfileError(f"{shown_as} is larger than {PROFILE_BYTES_MAX} bytes, so it is no link profile.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ProfileError(f"{shown_as}, line {line}: not UTF-8 text.") from error
    return parse_profile(text, shown_as=shown_as)


def _read_direction(table: Table) -> DirectionProfile:
    burst = table.optional_table("burst")
    direction = table.build(
        lambda: DirectionProfile(
            rate_bit_s=table.number("rate_bit_s"),
            delay_ms=table.number("delay_ms"),
            jitter_ms=table.number("jitter_ms", 0.0),
            loss=table.number("loss", 0.0),
            queue_bytes=table.whole("queue_bytes"),
            burst=_read_burst(burst) if burst else None,
        )
    )
    table.refuse_unread()
    return direction


def _read_burst(table: Table) -> BurstLoss:
    burst = table.build(
        lambda: BurstLoss(
            to_bad=table.number("to_bad"),
            to_good=table.number("to_good"),
            loss_good=table.number("loss_good", 0.0),
            loss_bad=table.number("loss_bad", 1.0),
        )
    )
    table.refuse_unread()
    return burst


def _read_tariff(table: Table | None) -> Tariff:
    if table is None:
        return Tariff()
    tariff = table.build(
        lambda: Tariff(
            usd_per_mb=table.number("usd_per_mb", 0.0),
            usd_per_minute=table.number("usd_per_minute", 0.0),
            usd_per_message=table.number("usd_per_message", 0.0),
            increment_s=table.number("increment_s", 0.0),
            session_bytes_min=table.whole("session_bytes_min", 0),
        )
    )
    table.refuse_unread()
    return tariff


def _read_outage(table: Table) -> Outage:
    outage = table.build(lambda: Outage(table.number("start_s"), table.number("duration_s")))
    table.refuse_unread()
    return outage


def _read_cycle(table: Table | None) -> Cycle | None:
    if table is None:
        return None
    cycle = table.build(lambda: Cycle(up_s=table.number("up_s"), down_s=table.number("down_s")))
    table.refuse_unread()
    return cycle
