"""Where a node keeps its data, and the settings of its site."""

from __future__ import annotations

import json
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from sync.pins import MalformedPin, parse_pin

from .errors import BadRequest, NotFound, Refused

DATA_VARIABLE: Final = "SFNODE_DATA"
SETTINGS_BYTES_MAX: Final = 64 * 1024
_HEADER: Final = "# Settings of this site. `sfnode link set` rewrites this file; comments are not kept.\n"


class LinkMode(StrEnum):
    """When the node dials."""

    HOLD = "hold"
    """At once, and the session stays open: both sides push. For links where time costs nothing."""
    POLL = "poll"
    """When something waits and every `poll_s`; the session ends when nothing is left."""
    MANUAL = "manual"
    """Only when a person or script says `sync`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """The link to the hub: where it is, when to dial, what it costs."""

    hub_url: str | None = None
    name: str = "link"
    mode: LinkMode = LinkMode.POLL
    poll_s: float = 900.0
    """A quarter of an hour: a reply is at most that much late, at 60 bytes a look."""
    usd_per_megabyte: float = 0.0
    rate_bit_s: int = 22_000
    """A guess for the first forecast (an L-band terminal's uplink); measurements replace it."""
    rtt_s: float = 0.9
    pin: str | None = None
    """The hub's public key for https, `sha256:…`: trusted whatever its certificate says. "" for none."""
    udp: str | None = None
    """`udp://host:port` of the hub: sessions go there in datagrams, for fewer bytes and one round trip less.
    Enrolment still needs `hub_url`. "" for none."""

    def __post_init__(self) -> None:
        if self.hub_url is not None:
            _check_url(self.hub_url)
        if self.pin:
            _check_pin(self.pin, self.hub_url)
        if self.udp:
            _check_udp(self.udp)
        if not 0 < self.poll_s < math.inf:
            raise BadRequest(f"poll-s must be a positive number of seconds, not {self.poll_s:g}.")
        if not 0 <= self.usd_per_megabyte < math.inf:
            raise BadRequest(f"usd-per-megabyte cannot be {self.usd_per_megabyte:g}.")
        if self.rate_bit_s <= 0 or not 0 <= self.rtt_s < math.inf:
            raise BadRequest("rate-bit-s and rtt-s must be positive numbers.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """What site.toml says."""

    site: str
    language: str = "en"
    alarm_command: tuple[str, ...] = ()
    """Program and arguments run to sound an alarm; the alarm's text is its last argument."""
    link: LinkSettings = field(default_factory=LinkSettings)


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """The files of one node."""

    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "site.toml"

    @property
    def spool(self) -> Path:
        return self.root / "spool.db"

    @property
    def socket(self) -> Path:
        return self.root / "daemon.sock"

    @property
    def daemon(self) -> Path:
        """What the daemon's lock is named after: `daemon.lock` lies beside."""
        return self.root / "daemon"

    @property
    def log(self) -> Path:
        return self.root / "daemon.log"

    def create(self) -> None:
        """Make the folder, readable by its owner alone."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
        except OSError as error:
            raise Refused(
                f"The data folder {self.root} cannot be made ({error.strerror}). Nothing was changed. "
                "Choose another with --data, or mend its permissions."
            ) from error

    def require(self) -> None:
        """`NotFound` unless a site was set up here."""
        if not self.settings.exists():
            raise NotFound(
                f"There is no site in {self.root}. Set one up with `sfnode init`, or name another folder "
                f"with --data or {DATA_VARIABLE}."
            )


def default_folder(environment: Mapping[str, str]) -> Path:
    """`$SFNODE_DATA`, else the user's data directory by the XDG rules."""
    if chosen := environment.get(DATA_VARIABLE):
        return Path(chosen)
    data_home = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data_home) / "sfnode"


def read_settings(path: Path) -> SiteSettings:
    """The settings in `path`; `BadRequest` names the line or value that cannot be used."""
    try:
        if path.stat().st_size > SETTINGS_BYTES_MAX:
            raise BadRequest(f"{path} is larger than {SETTINGS_BYTES_MAX} bytes. It is not a settings file.")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"There is no {path}. Set the site up with `sfnode init`.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} cannot be read: {error}. Mend that line; nothing else is wrong.") from error
    link = _checked(LinkSettings, values.pop("link", {}), f"{path}, [link]")
    site = _checked(SiteSettings, values, str(path))
    if "site" not in site:
        raise BadRequest(f"{path}: site is missing. Write the name of the site there.")
    return SiteSettings(**site, link=link_from(link))


def write_settings(path: Path, settings: SiteSettings) -> None:
    """Replace the file whole: a crash leaves the old one or the new one."""
    values = asdict(settings)
    link = values.pop("link")
    text = _HEADER + _lines(values) + "\n[link]\n" + _lines(link)
    fresh = path.with_suffix(".toml.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def link_from(values: Mapping[str, Any], base: LinkSettings | None = None) -> LinkSettings:
    """`base` with some values changed; `BadRequest` names the one that cannot be used."""
    merged = {
        **(asdict(base) if base else {}),
        **{key: value for key, value in values.items() if value is not None},
    }
    try:
        merged["mode"] = LinkMode(merged.get("mode", LinkMode.POLL))
    except ValueError as error:
        raise BadRequest(f"A link's mode is hold, poll or manual, not {merged['mode']!r}.") from error
    return LinkSettings(**_checked(LinkSettings, merged, "The link's settings"))


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "float": (int, float),
    "int": (int,),
    "str": (str,),
    "str | None": (str,),
    "LinkMode": (str,),
    "tuple[str, ...]": (list, tuple),
}


def _checked(of: type, values: Any, where: str) -> dict[str, Any]:
    """Known names with values of the right type; a typing error in a settings file must not pass unseen."""
    if not isinstance(values, Mapping):
        raise BadRequest(f"{where} must be a table.")
    known = {item.name: str(item.type) for item in fields(of)}
    for key, value in values.items():
        wanted = _TYPES.get(known.get(key, ""))
        if wanted is None:
            raise BadRequest(f"{where}: {key} is not a setting. Known are: {', '.join(sorted(known))}.")
        if value is not None and (isinstance(value, bool) or not _fits(value, wanted)):
            raise BadRequest(f"{where}: {key} cannot be {value!r}.")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _fits(value: Any, wanted: tuple[type, ...]) -> bool:
    return isinstance(value, wanted) and (
        not isinstance(value, list | tuple) or all(isinstance(item, str) for item in value)
    )


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in values.items() if value is not None)


def _toml(value: Any) -> str:
    """JSON's forms of texts, numbers and lists are TOML's too, apart from DEL."""
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _check_udp(url: str) -> None:
    try:
        parts = urlsplit(url)
        extra = (parts.path, parts.query, parts.fragment, parts.username)
        bare = not any(extra) and not any(map(str.isspace, url))
        usable = bare and parts.scheme == "udp" and (parts.port or 0) > 0 and parts.hostname
        (parts.hostname or "").encode("idna")
    except ValueError:
        usable = False
    if not usable:
        raise BadRequest(f"A hub's UDP address looks like udp://hub.example:8471, not {url!r}.")


def _check_pin(pin: str, hub_url: str | None) -> None:
    try:
        parse_pin(pin)
    except MalformedPin as error:
        raise BadRequest(f"{error} Nothing was changed.") from error
    if hub_url is not None and urlsplit(hub_url).scheme != "https":
        raise BadRequest(
            f"A key can only be pinned for https://, and the hub's address is {hub_url}. Nothing was "
            'changed. Give both together, or take the pin away with --pin "".'
        )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        bare = not (parts.query or parts.fragment or parts.username or any(map(str.isspace, url)))
        usable = bare and parts.scheme in ("http", "https") and (parts.port or 1) > 0 and parts.hostname
        # What no resolver could be asked for; a UnicodeError is a ValueError.
        (parts.hostname or "").encode("idna")
    except ValueError:
        usable = False
    if not usable:
        raise BadRequest(f"A hub's address looks like http://hub.example:8080, not {url!r}.")
