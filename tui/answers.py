"""What the daemon answers, read into views: inert text, known fields, or a sentence that says it cannot be.

This is the only door: nothing behind it meets a control character or a map of unknown shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sfnode.errors import NodeError
from sfnode.views import AlarmView, StatusView, TransferView, from_primitive

from .inert import inert_values

View = TypeVar("View")
Read = Callable[[Any], View]
"""From a decoded answer to what it means."""


class NotUnderstood(NodeError):
    """The daemon is of another version than this terminal."""

    code = "not-understood"

    def __init__(self) -> None:
        super().__init__(
            "sfnode answered in a way that this terminal does not understand: the two are of different "
            "versions. What was saved is safe. End the daemon with `sfnode stop`, then start this terminal."
        )


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a case template."""

    key: str
    label: str
    kind: str
    required: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of consult: which fields its form has."""

    name: str
    title: str
    version: int
    fields: tuple[FieldSpec, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending a case queued, and what it will take if the forecast holds."""

    transfers: tuple[TransferView, ...]
    size_bytes: int
    seconds: float | None
    usd: float | None
    held: str | None = None
    """What holds some or all of it back; None where nothing does."""
    held_count: int = 0
    arrival: str = ""
    """When it is likely at the hub."""
    no_link: str = ""
    """That nothing of it is on its way, since no link leads to its hub."""


Happening = StatusView | TransferView | AlarmView | str
"""What the daemon tells by itself; a `str` is the id of a case that changed."""


def understood(answer: Any, read: Read[View]) -> View:
    """`answer`, made inert and read. Raises `NotUnderstood`."""
    with _understanding():
        return read(inert_values(answer))


def one(of: type[View]) -> Read[View]:
    return lambda values: from_primitive(of, values)


def many(of: type[View]) -> Read[tuple[View, ...]]:
    return lambda values: tuple(from_primitive(of, item) for item in values)


def nothing(_: Any) -> None:
    """For calls whose answer nobody shows."""


def case_id(values: Mapping[str, Any]) -> str:
    return str(values["case"])


def alarms_raised(values: Mapping[str, Any]) -> tuple[AlarmView, ...]:
    return many(AlarmView)(values["alarms"])


def sent(values: Mapping[str, Any]) -> Sent:
    price = values.get("price") or {}
    return Sent(
        many(TransferView)(values["bundles"]),
        values["bytes"],
        values.get("seconds"),
        values.get("usd"),
        price.get("held") if values.get("held_count") else None,
        values.get("held_count") or 0,
        values.get("arrival") or "",
        values.get("no_link") or "",
    )


def templates(values: list[Mapping[str, Any]]) -> tuple[Template, ...]:
    return tuple(
        Template(item["name"], item["title"], item["version"], tuple(map(_field, item["fields"])))
        for item in values
    )


def happening(topic: str, data: Any) -> Happening | None:
    """An event; None for a topic of a newer daemon, which means nothing to us."""
    read = _TOPICS.get(topic)
    return None if read is None else understood(data, read)


def _field(values: Mapping[str, Any]) -> FieldSpec:
    return FieldSpec(
        values["key"],
        values["label"],
        values["kind"],
        bool(values.get("required")),
        tuple(values.get("choices") or ()),
    )


_TOPICS: dict[str, Read[Happening]] = {
    "progress": one(TransferView),
    "status": one(StatusView),
    "alarm": one(AlarmView),
    "case_changed": case_id,
}
TOPICS = tuple(_TOPICS)


@contextmanager
def _understanding() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotUnderstood from error
