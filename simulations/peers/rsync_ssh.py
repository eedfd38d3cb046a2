"""The administrator's way: rsync over ssh, again until the files are there; a second one gets the reply."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

from .peer import PeerCase, Place

_SSHD: Final = ("/usr/sbin/sshd", "/usr/local/sbin/sshd")
_PRIVILEGES: Final = Path("/run/sshd")
"""sshd started by root insists on this empty folder, which a service manager would have made."""
_OUTBOX: Final = "outbox"
_INBOX: Final = "inbox"
_REPLY: Final = "reply.json"
_KEYGEN_TIMEOUT_S: Final = 30


class RsyncOverSsh:
    """Keys are in place beforehand; unfinished files are kept and gone on with."""

    name = "rsync"
    title = "rsync over ssh, again until done"
    ports_count = 1

    def obstacle(self) -> str | None:
        missing = [program for program in ("rsync", "ssh", "ssh-keygen") if shutil.which(program) is None]
        if _sshd() is None:
            missing.append("sshd")
        if not missing:
            return None
        verb = "is" if len(missing) == 1 else "are"
        return f"{', '.join(missing)} {verb} not installed (packages rsync, openssh-client, openssh-server)"

    def hub_command(self, place: Place, case: PeerCase) -> list[str]:
        _write_files(place.site / _OUTBOX, _files(case))
        _write_files(place.hub / _OUTBOX, {_REPLY: case.reply})
        (place.hub / _INBOX).mkdir()
        _make_key(place.hub / "host_key")
        _make_key(place.site / "key")
        host, port = place.dial[0]
        public = (place.hub / "host_key.pub").read_text()
        (place.site / "known_hosts").write_text(f"[{host}]:{port} {public}")
        shutil.copy(place.site / "key.pub", place.hub / "authorized_keys")
        if os.geteuid() == 0:
            _PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
        config = place.hub / "sshd_config"
        config.write_text(_sshd_config(place))
        return [_sshd() or "sshd", "-D", "-e", "-f", str(config)]

    def site_commands(self, place: Place) -> tuple[list[str], ...]:
        host, port = place.dial[0]
        ssh = shlex.join(_ssh(place, port))
        there = f"{getpass.getuser()}@{host}"
        rsync = ["rsync", "-az", "--partial", "--append-verify", "--timeout=300", "-e", ssh]
        return (
            [*rsync, f"{place.site / _OUTBOX}/", f"{there}:{place.hub / _INBOX}/"],
            [*rsync, f"{there}:{place.hub / _OUTBOX / _REPLY}", str(place.site / _REPLY)],
        )

    def has_arrived(self, place: Place, case: PeerCase) -> bool:
        wanted = {place.hub / _INBOX / name: data for name, data in _files(case).items()}
        wanted[place.site / _REPLY] = case.reply
        return all(path.exists() and path.read_bytes() == data for path, data in wanted.items())


def _sshd() -> str | None:
    # Not in an ordinary user's PATH, and it has to be started by its whole path.
    return shutil.which("sshd") or next((path for path in _SSHD if os.access(path, os.X_OK)), None)


def _ssh(place: Place, port: int) -> list[str]:
    options = {
        "UserKnownHostsFile": str(place.site / "known_hosts"),
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "60",
    }
    spelled = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "none", "-p", str(port), "-i", str(place.site / "key"), *spelled]


def _sshd_config(place: Place) -> str:
    return "\n".join(
        (
            f"ListenAddress {place.listen_host}:{place.listen_ports[0]}",
            f"HostKey {place.hub / 'host_key'}",
            f"AuthorizedKeysFile {place.hub / 'authorized_keys'}",
            "PidFile none",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "UsePAM no",
            "StrictModes no",  # The keys lie in a folder of this run, below one that others may write to.
            "UseDNS no",
            "PrintMotd no",
            "LoginGraceTime 0",  # On a slow link, logging in alone may take minutes.
            "",
        )
    )


def _make_key(path: Path) -> None:
    # OpenSSH reads only its own format, with its own idea of who may read the file.
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)],
        check=True,
        timeout=_KEYGEN_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )


def _files(case: PeerCase) -> dict[str, bytes]:
    pictures = {f"photograph-{number}.jpg": data for number, data in enumerate(case.photographs, 1)}
    return {"case.json": case.text, **pictures}


def _write_files(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
