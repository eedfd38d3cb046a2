"""Finds link profiles by name or path: those that are shipped, files of one's own, and bare recordings."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from .errors import ProfileError
from .profile import DirectionProfile, LinkProfile
from .reading import read_profile
from .recording import RECORDING_SUFFIXES, read_recording
from .table import Table
from .text_file import read_text

DEFAULT_PROFILE = "certus-100"
RECORDED_DELAY_MS = 50.0
"""One way, for a bare recording, which tells rates and no delay; a profile that names it can say better."""
RECORDED_QUEUE_BYTES = 65_536
RECORDED_MTU_BYTES = 1500


def profile_names() -> tuple[str, ...]:
    """The names of the profiles that are shipped, in alphabetical order."""
    return tuple(sorted(_stem(entry) for entry in _shipped().iterdir() if entry.name.endswith(".toml")))


def load_profile(name_or_path: str, *, beside: Path | None = None) -> LinkProfile:
    """A shipped profile by its name, any TOML file or recording by its path; raises `ProfileError`.

    A path is taken from `beside`, the folder of the file that names it, or from where the process runs."""
    path = Path(name_or_path) if beside is None else beside / name_or_path
    if name_or_path.endswith(RECORDING_SUFFIXES):
        return _load_recording(path, shown_as=str(path))
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return _load_file(path, shown_as=str(path), folder=path.parent)
    if name_or_path not in profile_names():
        raise ProfileError(
            f"There is no link profile named {name_or_path!r}. Known are {', '.join(profile_names())}; "
            "for a file of your own, give its path ending in .toml, .csv or .mahi."
        )
    return _load_file(_shipped() / f"{name_or_path}.toml", shown_as=f"{name_or_path}.toml")


def parse_profile(text: str, *, shown_as: str, folder: Path | None = None) -> LinkProfile:
    """Read one profile from TOML text; `shown_as` names its origin in any `ProfileError`.

    `folder` is where the recordings lie that it names; without one it may name none."""
    return read_profile(Table.of_text(text, shown_as=shown_as), folder)


def _shipped() -> Traversable:
    return files("simulations") / "profiles"


def _stem(entry: Traversable) -> str:
    return entry.name.removesuffix(".toml")


def _load_recording(path: Path, *, shown_as: str) -> LinkProfile:
    up, down = (read_recording(path, shown_as=shown_as, way=way) for way in ("up", "down"))
    ways = [
        DirectionProfile(
            rate_bit_s=max(1.0, trace.rate_bit_s_mean),
            delay_ms=RECORDED_DELAY_MS,
            queue_bytes=RECORDED_QUEUE_BYTES,
            trace=trace,
        )
        for trace in (up, down)
    ]
    try:
        return LinkProfile(
            name=path.stem,
            title=f"Recorded rates of {path.name}",
            source=f"The recording {path.name}; its delay, buffers and lack of loss are assumptions.",
            up=ways[0],
            down=ways[1],
            mtu_bytes=RECORDED_MTU_BYTES,
        )
    except ValueError as error:
        raise ProfileError(f"The recording cannot give its link a name: {error}. Rename the file.") from error


def _load_file(source: Traversable | Path, *, shown_as: str, folder: Path | None = None) -> LinkProfile:
    text = read_text(source, shown_as=shown_as, kind="link profile")
    return parse_profile(text, shown_as=shown_as, folder=folder)
