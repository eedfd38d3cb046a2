"""Where a hub keeps its things, and what it is called."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.ids import Mailbox, mailbox_of

from .errors import AlreadyInitialised, BadRequest, FolderUnusable, NotInitialised

DATA_VARIABLE: Final = "SFHUB_DATA"
IDENTITY_VARIABLE: Final = "SFHUB_IDENTITY"
NAME_BYTES_MAX: Final = 120
"""As long as a name may be on the wire."""
LISTEN_DEFAULT: Final = "127.0.0.1:8470"


@dataclass(frozen=True, slots=True)
class HubFolder:
    """The places inside one hub's folder."""

    root: Path
    identities: Path | None = None
    """Where the note of custody's identity is kept, outside the data and its backups; None: nowhere."""

    @property
    def settings(self) -> Path:
        return self.root / "hub.toml"

    @property
    def database(self) -> Path:
        return self.root / "hub.db"

    @property
    def custody(self) -> Path:
        return self.root / "custody.db"

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    @property
    def keys(self) -> Path:
        """Back these up apart from the rest: with them the rest can be read."""
        return self.root / "keys"

    @property
    def socket(self) -> Path:
        return self.root / "hub.sock"

    @property
    def restoring(self) -> Path:
        """What a restoring under way has ready; left behind where one was cut off."""
        return self.root / ".restoring"


@dataclass(frozen=True, slots=True)
class HubIdentity:
    """What a hub is called; its address is made of it, so it never changes."""

    organisation: str
    name: str

    @property
    def mailbox(self) -> Mailbox:
        return mailbox_of(self.organisation, self.name)

    def site_mailbox(self, site_name: str) -> Mailbox:
        """The address of a site of the same organisation."""
        return mailbox_of(self.organisation, site_name)


def default_folder(environment: Mapping[str, str]) -> Path:
    """`$SFHUB_DATA`, or the place that the desktop convention gives to programs' data."""
    if chosen := environment.get(DATA_VARIABLE):
        return Path(chosen)
    home = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME", "/")) / ".local/share")
    return Path(home) / "sfhub"


def create_folder(folder: HubFolder, identity: HubIdentity) -> None:
    """Make the folder and write down who the hub is; the settings come last, as the mark that it is one."""
    for what, name in (("organisation", identity.organisation), ("name", identity.name)):
        check_name(what, name)
    if folder.settings.exists():
        raise AlreadyInitialised(
            f"{folder.root} already holds a hub. Nothing was changed. Use it, or name another folder with "
            "--data."
        )
    _refuse_half_restored(folder)
    try:
        for place in (folder.root, folder.objects, folder.keys):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.chmod(0o700)
    except OSError as error:
        raise FolderUnusable(
            f"{folder.root} cannot be made ({error.strerror}). Nothing was changed."
        ) from error


def write_settings(folder: HubFolder, identity: HubIdentity) -> None:
    """JSON strings are TOML strings too, for every name that `check_name` lets through."""
    text = (
        f"organisation = {json.dumps(identity.organisation, ensure_ascii=False)}\n"
        f"name = {json.dumps(identity.name, ensure_ascii=False)}\n"
    )
    descriptor = os.open(folder.settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_settings(folder: HubFolder) -> HubIdentity:
    """Who the hub in this folder is."""
    try:
        values = tomllib.loads(folder.settings.read_text("utf-8"))
        return HubIdentity(str(values["organisation"]), str(values["name"]))
    except FileNotFoundError as error:
        _refuse_half_restored(folder)
        raise NotInitialised(
            f"{folder.root} holds no hub. Make one with: sfhub --data {folder.root} init --organisation O "
            "--name N"
        ) from error
    except (OSError, KeyError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FolderUnusable(
            f"{folder.settings} cannot be read ({error}). Nothing was changed. Restore it from a backup."
        ) from error


def _refuse_half_restored(folder: HubFolder) -> None:
    """A new hub made there would hide the one that was to come back."""
    if folder.restoring.exists():
        raise FolderUnusable(
            f"Restoring a backup into {folder.root} was cut off. Nothing is lost. Finish it with: "
            f"sfhub --data {folder.root} backup restore DIR --replace"
        )


def check_name(what: str, name: str) -> None:
    """`BadRequest` unless a record can hold `name` as it is, on one line."""
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise BadRequest(f"The {what} must be one line of printable text without spaces around it.")
    if len(name.encode()) > NAME_BYTES_MAX:
        raise BadRequest(f"The {what} is longer than {NAME_BYTES_MAX} bytes. Choose a shorter one.")
