"""The cases of a run by the names that the product gave them."""

from __future__ import annotations

from dataclasses import replace

from protocol.header import Priority
from simulations.fleet.goods import Story
from simulations.workload import Consult


class Stories:
    """In the order of their opening, as in event mode."""

    def __init__(self) -> None:
        self.opened: list[Story] = []
        self._by_case: dict[str, Story] = {}

    def open(self, site: int, consult: Consult, case: str) -> Story:
        """The product has opened this case for it."""
        story = Story(len(self.opened), site, replace(consult, priority=as_opened(consult.priority)))
        self.opened.append(story)
        self._by_case[case] = story
        return story

    def of(self, case: str) -> Story | None:
        """None for what is no patient's case: a site's own file."""
        return self._by_case.get(case)


def as_opened(priority: Priority) -> Priority:
    """The forms of a site know no case of the class bulk: such a one is opened as routine."""
    return min(priority, Priority.ROUTINE)
