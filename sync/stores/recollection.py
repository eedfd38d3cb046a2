"""What was read of one pair's custody since it last changed, so that asking again costs no transaction.

Law: nothing is remembered that a change under way may already have made untrue. A session with nothing new
asks a dozen questions whose answers are those of an hour ago.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeVar

from .connection import Connection
from .database import Database

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")
Then = Callable[[], object] | None

ANSWERS_MAX: Final = 64
"""More than one session asks, and than the bundles that are under way; beyond it all are forgotten."""


class Recollection:
    """Answers of one pair. Changes are told on the writer's thread, in the order in which they are made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state: object | None = object()
        """Of which every remembered answer must be; None while a change is under way, or has failed."""
        self._answers: dict[Hashable, tuple[object, Any]] = {}

    @property
    def state(self) -> object | None:
        """The same as long as every answer is; None while a change is under way, or has failed."""
        return self._state

    async def write(
        self, work: Callable[[Connection], Result], *, then: Then = None, may_wait: bool = False
    ) -> Result:
        """`Database.write` of what changes an answer."""
        return await self._database.write(
            self.changing(work), then=self._after_change(then), may_wait=may_wait
        )

    async def note(self, work: Callable[[Connection], Result]) -> Result:
        """`Database.note` of what changes an answer."""
        return await self._database.note(self.changing(work), then=self.changed)

    def changing(self, work: Callable[[Connection], Result]) -> Callable[[Connection], Result]:
        """`work`, which changes what is remembered; `changed` is to follow once it is durable."""

        def forget_and_work(connection: Connection) -> Result:
            self.changes()
            return work(connection)

        return forget_and_work

    def changes(self) -> None:
        """From here on the running transaction changes what is remembered; `changed` is to follow once it is
        durable. Called on the writer's thread."""
        self._state = None

    def changed(self) -> None:
        """What can be read from now on is what the last change has left."""
        self._state = object()

    def learnt(self, answers: Mapping[str, object]) -> None:
        """As `changed`; the last change itself has left these answers."""
        self._state = state = object()
        for question, answer in answers.items():
            self._keep(question, state, answer)

    async def read(self, question: Hashable, work: Callable[[Connection], Result]) -> Result:
        """The answer of `work`, as of now."""
        state = self._state
        self._database.check_usable()
        if (known := self._known(question, state)) is not None:
            answer: Result = known[1]
            return answer
        answer = await self._database.read(work)
        self._keep(question, state, answer)
        return answer

    async def read_each(
        self, kind: str, keys: Sequence[Key], work: Callable[[Connection, Key], Result]
    ) -> dict[Key, Result]:
        """The answers of `work` for each of these, as of now; all that are not known come in one reading."""
        state = self._state
        self._database.check_usable()
        known = {key: self._known((kind, key), state) for key in keys}
        missing = [key for key, answer in known.items() if answer is None]
        found: dict[Key, Result] = {key: answer[1] for key, answer in known.items() if answer is not None}
        if missing:
            answers = await self._database.read(lambda connection: [work(connection, key) for key in missing])
            for key, answer in zip(missing, answers, strict=True):
                self._keep((kind, key), state, answer)
                found[key] = answer
        return found

    def inside(
        self, question: Hashable, work: Callable[[Connection], Result], connection: Connection
    ) -> Result:
        """The same inside a transaction of the writer's."""
        state = self._state
        if (known := self._known(question, state)) is not None:
            answer: Result = known[1]
            return answer
        answer = work(connection)
        self._keep(question, state, answer)
        return answer

    def _after_change(self, then: Then) -> Callable[[], None]:
        def tell() -> None:
            self.changed()
            if then is not None:
                then()

        return tell

    def _known(self, question: Hashable, state: object | None) -> tuple[object, Any] | None:
        known = self._answers.get(question)
        return known if known is not None and known[0] is state else None

    def _keep(self, question: Hashable, state: object | None, answer: object) -> None:
        if state is None:
            return
        if len(self._answers) >= ANSWERS_MAX:
            self._answers.clear()
        self._answers[question] = (state, answer)
