"""Compares what lies in the cases of a hub and its sites, once nothing runs any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulations.checkers.observations import Observation, RecordFiled, RecordWritten

from .filed import Filed, filed_at_hub, filed_at_site

Missing = tuple[str, str, bytes]
"""Who has it, who lacks it, and which record."""


class Audit:
    """Reads every disk by a fresh start of the product's own stores."""

    def __init__(
        self,
        hub: str,
        hub_folder: Path,
        site_folders: Mapping[str, Path],
        *,
        copied: frozenset[str] = frozenset(),
    ) -> None:
        """`copied`: sites of which one is a copy of another. Neither is told what the other has written."""
        self._hub = hub
        self._copied = copied
        self._hub_folder = hub_folder
        self._site_folders = site_folders
        self._filed: dict[str, Sequence[Filed]] = {}

    async def read(self) -> None:
        """All disks."""
        self._filed[self._hub] = await filed_at_hub(self._hub_folder)
        for name, folder in self._site_folders.items():
            self._filed[name] = await filed_at_site(folder)

    def written(self) -> list[Observation]:
        """What each author put where."""
        return [
            RecordWritten(place=place, **_identity(filed))
            for place, found in self._filed.items()
            for filed in found
            if self._is_own(place, filed)
        ]

    def filed(self) -> list[Observation]:
        """Where the others have it."""
        return [
            RecordFiled(place=place, **_identity(filed))
            for place, found in self._filed.items()
            for filed in found
            if not self._is_own(place, filed)
        ]

    def missing(self) -> tuple[Missing, ...]:
        """Records of cases that were sent, and that only one end holds."""
        at_hub = self._filed[self._hub]
        missing: list[Missing] = []
        for name in self._site_folders:
            sent = {filed.case for filed in self._filed[name] if filed.is_sent}
            here = {filed.record for filed in self._filed[name] if filed.is_sent}
            there = {filed.record for filed in at_hub if filed.case in sent}
            owed = {
                filed.record
                for filed in at_hub
                if filed.case in sent and (filed.by_hub or name not in self._copied)
            }
            missing += [(name, self._hub, record) for record in sorted(here - there)]
            missing += [(self._hub, name, record) for record in sorted(owed - here)]
        return tuple(missing)

    def _is_own(self, place: str, filed: Filed) -> bool:
        return filed.by_hub == (place == self._hub)


def _identity(filed: Filed) -> dict[str, Any]:
    return {"at_s": 0.0, "case": filed.case, "patient": filed.patient, "record": filed.record}
