"""Where a node keeps its data, and the settings of its site."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from sync.scheduler import LinkMode

from .errors import BadRequest, NotFound, Refused
from .link_settings import LinkSettings

__all__ = [
    "DATA_VARIABLE",
    "IDENTITY_VARIABLE",
    "LINKS_MAX",
    "LinkMode",
    "LinkSettings",
    "NodeFolder",
    "SiteSettings",
    "check_links",
    "default_folder",
    "link_from",
    "read_settings",
    "write_settings",
]

DATA_VARIABLE: Final = "SFNODE_DATA"
IDENTITY_VARIABLE: Final = "SFNODE_IDENTITY"
SETTINGS_BYTES_MAX: Final = 64 * 1024
LINKS_MAX: Final = 8
"""More than any ship has; each costs a row on a narrow screen."""
_HEADER: Final = "# Settings of this site. `sfnode link set` rewrites this file; comments are not kept.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """What site.toml says."""

    site: str
    language: str = "en"
    alarm_command: tuple[str, ...] = ()
    """Program and arguments run to sound an alarm; the alarm's text is its last argument."""
    link: LinkSettings = field(default_factory=LinkSettings)
    """The first link: the one that is meant where none is named."""
    other_links: tuple[LinkSettings, ...] = ()

    @property
    def links(self) -> tuple[LinkSettings, ...]:
        return (self.link, *self.other_links)


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """The files of one node."""

    root: Path
    identities: Path | None = None
    """Where the note of the spool's identity is kept, outside the data and its backups; None: nowhere."""

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
    except OSError as error:
        raise BadRequest(f"{path} cannot be read ({error.strerror}). Mend its permissions.") from error
    links = _read_links(path, values)
    site = _checked(SiteSettings, values, str(path))
    if "site" not in site:
        raise BadRequest(f"{path}: site is missing. Write the name of the site there.")
    return SiteSettings(**site, link=links[0], other_links=tuple(links[1:]))


def _read_links(path: Path, values: dict[str, Any]) -> list[LinkSettings]:
    """`[links.NAME]` tables, and the `[link]` of older files before them; at least one."""
    tables: list[tuple[str, Any]] = []
    if "link" in values:
        tables.append(("[link]", values.pop("link")))
    named = values.pop("links", {})
    if not isinstance(named, Mapping):
        raise BadRequest(f"{path}, [links] must be a table.")
    for name, table in named.items():
        where = f"[links.{json.dumps(name)}]"
        if isinstance(table, Mapping) and "name" in table:
            raise BadRequest(f"{path}, {where}: name is not a setting. The table's own name is the link's.")
        tables.append((where, {**table, "name": name} if isinstance(table, Mapping) else table))
    links = [link_from(_checked(LinkSettings, table, f"{path}, {where}")) for where, table in tables]
    check_links(links or [LinkSettings()])
    return links or [LinkSettings()]


def check_links(links: Sequence[LinkSettings]) -> None:
    """`BadRequest` where there are too many, or two of one name."""
    names = [link.name for link in links]
    if len(names) > LINKS_MAX:
        raise BadRequest(f"A site has at most {LINKS_MAX} links. Nothing was changed.")
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise BadRequest(f"Two links have one name: {twice[0]}. Nothing was changed. Choose another name.")


def write_settings(path: Path, settings: SiteSettings) -> None:
    """Replace the file whole: a crash leaves the old one or the new one."""
    values = asdict(settings)
    links = [values.pop("link"), *values.pop("other_links")]
    tables = [f"\n[links.{_toml(link.pop('name'))}]\n" + _lines(link) for link in links]
    text = _HEADER + _lines(values) + "".join(tables)
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
    "float | None": (int, float),
    "int | None": (int,),
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
