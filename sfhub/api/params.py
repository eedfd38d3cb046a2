"""Reads the parameters of one call, each with the sentence for whoever got it wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import BadRequest


class Params:
    """What a client sent beside the method's name."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            raise BadRequest(f"{name} is missing.")
        return value

    def text_or(self, name: str, default: str) -> str:
        return self.text(name) if self._values.get(name) is not None else default

    def number_or(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadRequest(f"{name} must be a number.")
        return value

    def whole_or_none(self, name: str) -> int | None:
        value = self._values.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise BadRequest(f"{name} must be a whole number.")
        return value

    def wholes(self, name: str) -> Sequence[int]:
        value = self._values.get(name)
        if not isinstance(value, list) or not all(type(each) is int for each in value):
            raise BadRequest(f"{name} must be a list of whole numbers.")
        return value

    def flag(self, name: str) -> bool:
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise BadRequest(f"{name} must be yes or no.")
        return value

    def mapping(self, name: str) -> Mapping[str, Any]:
        value = self._values.get(name)
        if not isinstance(value, dict):
            raise BadRequest(f"{name} must be a map of fields.")
        return value

    def raw(self, name: str) -> bytes:
        value = self._values.get(name)
        if not isinstance(value, bytes):
            raise BadRequest(f"{name} must be bytes.")
        return value
