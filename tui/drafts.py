"""What was typed and not saved, kept while this terminal runs. Law: it is never on a disk in the clear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DRAFTS_MAX: Final = 50


class Drafts:
    """Answers by the form they belong to; the daemon's vault holds what was saved, this only what was not."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[str, str]] = {}

    def keep(self, form: str, answers: Mapping[str, str]) -> None:
        """Remember; an empty form is forgotten. The oldest goes when there are too many."""
        filled = {key: text for key, text in answers.items() if text}
        self._answers.pop(form, None)
        if filled:
            self._answers[form] = filled
        while len(self._answers) > DRAFTS_MAX:
            self._answers.pop(next(iter(self._answers)))

    def of(self, form: str) -> Mapping[str, str]:
        return self._answers.get(form, {})

    def drop(self, form: str) -> None:
        self._answers.pop(form, None)

    def __len__(self) -> int:
        return len(self._answers)
