"""What a simulated world sees happen, for checkers: facts, with no opinion about them.

An observation is taken where the thing happens, from the disk if it is about a disk; never from what a
program says of itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.header import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleAdded:
    """A place took a bundle of its own into custody."""

    at_s: float
    place: str
    peer: str
    bundle: bytes
    priority: Priority
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyPassed:
    """A place is about to believe that its peer holds a bundle durably."""

    at_s: float
    place: str
    peer: str
    bundle: bytes
    is_on_disk: bool
    """Whether the peer's disk holds it, at this very moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptWritten:
    """A place answers that a bundle is durable here."""

    at_s: float
    place: str
    bundle: bytes
    is_on_disk: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesHandedOut:
    """A piece of a bundle goes to the link."""

    at_s: float
    place: str
    bundle: bytes
    priority: Priority
    waiting: tuple[tuple[bytes, Priority, float], ...]
    """Bundles of which no byte has gone out in this contact, how urgent each is, and since when it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyBelieved:
    """A place is about to believe that its peer has a bundle in a verified backup."""

    at_s: float
    place: str
    bundle: bytes
    is_in_backup: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesDropped:
    """A place has dropped the sealed bytes of a bundle of its own."""

    at_s: float
    place: str
    bundle: bytes
    is_in_backup: bool
    """Whether it lies in a backup of the peer's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDelivered:
    """The application at a place got a whole bundle."""

    at_s: float
    place: str
    bundle: bytes
    was_taken: bool
    """This disk's application had taken it before."""
    is_genuine: bool
    """The bytes are those that its author sealed under that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleTaken:
    """The application at a place has told custody that a bundle is part of its cases."""

    at_s: float
    place: str
    bundle: bytes
    was_taken: bool
    """It had told so before, and nothing has undone that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFiled:
    """A record lies in a case at a place."""

    at_s: float
    place: str
    case: bytes
    patient: bytes
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWritten:
    """A person wrote a record for a patient's case."""

    at_s: float
    place: str
    case: bytes
    patient: bytes
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPaid:
    """A contact has cost this much on one link, on one day of the site."""

    at_s: float
    place: str
    link: str
    day: int
    usd: float
    cap_usd: float | None
    """What the site's settings allow for this link and day; None for no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTaken:
    """A specialist opens the case that the worklist put first."""

    at_s: float
    place: str
    case: bytes
    priority: Priority
    since_s: float
    """Since when it can have waited, at the earliest."""
    waiting: tuple[tuple[bytes, Priority, float], ...]
    """All cases that wait, this one too: how urgent each is, and since when at the latest it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShown:
    """An order as a site's plan shows it."""

    at_s: float
    place: str
    case: bytes
    order: bytes
    is_armed: bool
    """It is to be carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnded:
    """An order was stopped, replaced or refused, and the site has the record that says so."""

    at_s: float
    place: str
    case: bytes
    order: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFiled:
    """A layer of a photograph that a place says it has."""

    at_s: float
    place: str
    case: bytes
    blob: bytes
    opens: bool
    """Its bytes are on the disk, and are those that came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAdmitted:
    """A device has joined a place, which keeps its key."""

    at_s: float
    place: str
    key: bytes
    is_genuine: bool
    """Somebody made it who was given a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldHealed:
    """The links are whole again and there was time for everything; what is still missing will not come."""

    at_s: float
    missing: tuple[tuple[str, str, bytes], ...]
    """(author, destination, bundle or record) that some disk has and its destination lacks."""
    pending: tuple[tuple[str, bytes], ...]
    """(place, bundle) still in custody as not received, although it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFailed:
    """A part of the product met what it had not foreseen, and logged it."""

    at_s: float
    place: str
    what: str


Observation = (
    BundleAdded
    | CustodyPassed
    | ReceiptWritten
    | BytesHandedOut
    | SafetyBelieved
    | BytesDropped
    | BundleDelivered
    | BundleTaken
    | RecordFiled
    | RecordWritten
    | ContactPaid
    | CaseTaken
    | OrderShown
    | OrderEnded
    | PictureFiled
    | DeviceAdmitted
    | WorldHealed
    | PartFailed
)
