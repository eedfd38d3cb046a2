"""Every way in which a picture can be refused, each with the sentence its user reads.

PhotoRefused
├── PhotoNotFound            no file of that name
├── PhotoNotAFile            a folder, pipe or device
├── PhotoNotPermitted        the file's permissions forbid reading it
├── PhotoUnreadable          the disk or stick failed while the file was read
├── PhotoTooLarge            more bytes than a picture may have
├── PhotoNotAnImage          no picture format known here
├── PhotoFormatUnsupported   a known format that is not read here
├── PhotoTooManyPixels       more pixels than can be opened safely
├── PhotoDamaged             truncated or corrupt
├── PhotoTimedOut            took more time than a picture may take
└── PhotoReaderStopped       the worker that reads pictures ended without an answer
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import ClassVar, Final

LABEL_CHARS_MAX: Final = 60
DETAIL_CHARS_MAX: Final = 120


class PhotoRefused(Exception):
    """A picture that was not taken: `str()` says what happened, what is safe and what to do.

    `code` is stable: scripts and docs/errors.md use it.
    """

    code: ClassVar[str] = "photo-refused"
    happened: ClassVar[str] = "{label} was not taken{detail}."
    advice: ClassVar[str] = "Choose another picture."

    def __init__(self, detail: str = "", *, label: str = "The picture") -> None:
        self.detail = plain_text(detail, DETAIL_CHARS_MAX)
        self.label = label
        shown = f" ({self.detail})" if self.detail else ""
        happened = self.happened.format(label=label, detail=shown)
        super().__init__(f"{happened} The case is unchanged. {self.advice}")


class PhotoNotFound(PhotoRefused):
    """No file of that name."""

    code = "photo-not-found"
    happened = "There is no file {label}{detail}."
    advice = "Check the name and the folder."


class PhotoNotAFile(PhotoRefused):
    """A folder, pipe, device or socket where a picture was expected."""

    code = "photo-not-a-file"
    happened = "{label} is not a file{detail}."
    advice = "Choose the picture itself, not the folder or device it is in."


class PhotoNotPermitted(PhotoRefused):
    """The operating system forbids this node to read the file."""

    code = "photo-not-permitted"
    happened = "This program may not read {label}{detail}."
    advice = "Copy the picture to a folder of yours, or change its permissions, and add it again."


class PhotoUnreadable(PhotoRefused):
    """The medium failed while the file was read."""

    code = "photo-unreadable"
    happened = "{label} could not be read to its end{detail}."
    advice = "Check the card, stick or disk it is on, copy the picture again and add it again."


class PhotoTooLarge(PhotoRefused):
    """More bytes than a picture may have."""

    code = "photo-too-large"
    happened = "{label} is too large to be taken as a picture{detail}."
    advice = "Export it as JPEG, or take it again with a lower setting of the camera."


class PhotoNotAnImage(PhotoRefused):
    """No picture format known here, whatever the file's name says."""

    code = "photo-not-an-image"
    happened = "{label} is not a picture{detail}."
    advice = "Choose a JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF file."


class PhotoFormatUnsupported(PhotoRefused):
    """A format that is recognised but not read here."""

    code = "photo-format-unsupported"
    happened = "{label} is of a kind that this node cannot read{detail}."
    advice = "Export it as JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible) and add that."


class PhotoTooManyPixels(PhotoRefused):
    """More pixels than can be opened without risking this machine's memory."""

    code = "photo-too-many-pixels"
    happened = "{label} has too many pixels to be opened safely{detail}."
    advice = "Export it as JPEG or at a smaller size, or take it again with a lower setting of the camera."


class PhotoDamaged(PhotoRefused):
    """A picture that ends early or contradicts itself."""

    code = "photo-damaged"
    happened = "{label} is damaged or incomplete{detail}."
    advice = "If it is still being copied, wait and add it again; otherwise copy or take it again."


class PhotoTimedOut(PhotoRefused):
    """A picture that took more time than any honest one needs."""

    code = "photo-timed-out"
    happened = "Reading {label} took too long and was stopped{detail}."
    advice = "Add it again; if that fails too, export it as JPEG at a smaller size."


class PhotoReaderStopped(PhotoRefused):
    """The worker ended without an answer: memory ran out, or the file made a decoder fail."""

    code = "photo-reader-stopped"
    happened = "The picture reader stopped while it read {label}{detail}."
    advice = "Add it again; if that fails too, export it as JPEG at a smaller size."


REFUSALS: Final[dict[str, type[PhotoRefused]]] = {
    refusal.code: refusal
    for refusal in (
        PhotoNotFound,
        PhotoNotAFile,
        PhotoNotPermitted,
        PhotoUnreadable,
        PhotoTooLarge,
        PhotoNotAnImage,
        PhotoFormatUnsupported,
        PhotoTooManyPixels,
        PhotoDamaged,
        PhotoTimedOut,
        PhotoReaderStopped,
    )
}


def file_label(path: Path) -> str:
    """The file's name as it may be shown on a terminal: quoted, one line, bounded."""
    return f"'{plain_text(path.name, LABEL_CHARS_MAX)}'"


def plain_text(text: str, chars_max: int) -> str:
    """`text` with everything replaced that could steer a terminal or reorder a line, cut to `chars_max`."""
    # Categories C* are controls, escapes, bidirectional marks and lone surrogates; Zl and Zp end a line.
    shown = "".join(
        "?" if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029" else character
        for character in text[: chars_max + 1]
    )
    return shown if len(shown) <= chars_max else f"{shown[: chars_max - 3]}..."
