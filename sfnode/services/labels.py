"""What bundles are called for people: in clinical words, or by their class while the vault is locked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.header import Priority
from protocol.ids import BundleId, CaseId

from .outgoing import Dispatch

_CLASS_WORDS: Final = {
    Priority.EMERGENCY: "emergency",
    Priority.URGENT: "urgent",
    Priority.ROUTINE: "routine",
    Priority.BULK: "bulk",
}


@dataclass(frozen=True, slots=True)
class Label:
    """The words for one bundle, and its case if that may be told."""

    what: str
    case: str | None


class Labels:
    """Words for bundles of ours. Captions are clinical: they are forgotten when the vault is locked."""

    def __init__(self) -> None:
        self._known: dict[BundleId, Label] = {}

    def learn(self, bundle_id: BundleId, *, what: str, case_id: CaseId) -> None:
        self._known[bundle_id] = Label(what, case_id.hex())

    def learn_all(self, dispatches: Iterable[Dispatch]) -> None:
        for dispatch in dispatches:
            if dispatch.bundle_id is not None:
                self.learn(dispatch.bundle_id, what=dispatch.what, case_id=dispatch.case_id)

    def forget_all(self) -> None:
        self._known.clear()

    def of_ours(self, bundle_id: BundleId, priority: Priority) -> Label:
        """Without words of its own: its class, which its header tells anyway."""
        return self._known.get(bundle_id) or Label(f"{_CLASS_WORDS[priority]} bundle", None)

    def of_hubs(self, priority: Priority) -> Label:
        """What comes is sealed until it was opened."""
        return Label(f"{_CLASS_WORDS[priority]} message from the hub", None)
