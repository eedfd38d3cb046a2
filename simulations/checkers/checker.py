"""What a checker is, and what it says when its property does not hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from .observations import Observation

VIOLATIONS_KEPT: Final = 32
"""Of one world: the first says it all, the others may help."""


class PropertyViolated(AssertionError):
    """A law of the product does not hold in a simulated world."""


class Checker(ABC):
    """One property, over all that a world observes."""

    law: ClassVar[str]
    """The property in one sentence."""

    @abstractmethod
    def observe(self, observation: Observation) -> str | None:
        """A sentence that says how the law was broken; None while it holds."""


class Court:
    """All checkers of one world; it remembers what they found."""

    def __init__(self, checkers: Iterable[Checker]) -> None:
        self._checkers: Sequence[Checker] = tuple(checkers)
        self.violations: list[str] = []
        self.heard: dict[str, int] = {}
        """Observations of each kind: a checker that saw none has shown nothing."""

    def observe(self, observation: Observation) -> None:
        """Never raises: product code that stands between would swallow it."""
        kind = type(observation).__name__
        self.heard[kind] = self.heard.get(kind, 0) + 1
        for checker in self._checkers:
            broken = checker.observe(observation)
            if broken is not None and len(self.violations) < VIOLATIONS_KEPT:
                self.violations.append(f"{checker.law} {broken} (at {observation.at_s:.3f} s)")

    def require(self, replay: str) -> None:
        """Raises `PropertyViolated` if any law was broken; `replay` says how to see it again."""
        if self.violations:
            raise PropertyViolated("\n".join([*self.violations, replay]))
