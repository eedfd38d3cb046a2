"""What the casebook gives back and tells its observer: past facts, durable when they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.errors import BundleRefused
from protocol.ids import CaseId, EntryId, RecordId
from sfnode.views import AlarmView


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChanged:
    """A case has new entries, a new state of sending, or a new alarm."""

    case_id: CaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxGrew:
    """There may be something to seal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised:
    alarm: AlarmView


CasebookEvent = CaseChanged | OutboxGrew | AlarmRaised


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What one save made durable."""

    case_id: CaseId
    entry_id: EntryId
    records: tuple[RecordId, ...]
    """Of what was saved, in its order; the introduction of the author is not counted."""
    alarms: tuple[AlarmView, ...] = ()
    """Alarms that this raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An entry that was kept aside."""

    name: str
    """Hex of the entry id."""
    reason: str
    is_foreign: bool = False
    """It is for a case that is not with the hub that it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of one received bundle; everything is durable, so its custody may be taken."""

    applied: tuple[EntryId, ...]
    """New here; includes entries kept aside earlier that can stand now."""
    known: tuple[EntryId, ...]
    """Here before; nothing was done."""
    quarantined: tuple[Quarantined, ...]
    cases: frozenset[CaseId]
    """Cases that have something new."""
    alarms: tuple[AlarmView, ...]
    keys_stated: bool = False
    """The hub has stated a key."""
    given_back: frozenset[CaseId] = frozenset()
    """Cases of which the hub has given back what this site had sent."""


class CaseNotHere(BundleRefused):
    """A picture or a provisional record of a case that is not here: it may come yet, as after a restoring."""


NOT_ITS_CASE: Final = "its case is with another hub than the one that sent it"


class ForeignCase(BundleRefused):
    """A picture or a provisional record for a case that is not with the hub that it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """The next time a plan wants new vitals; for timers that must ring while the vault is locked."""

    case_id: CaseId
    reply: RecordId
    due_in_s: float | None
    """Negative: missed by so much. None: cannot be told, ask at once."""
    neutral_text: str
    """Names no patient and nothing clinical."""
