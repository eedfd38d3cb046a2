"""The parameters of one call, taken one by one by name and type, so that a misspelt one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfnode.errors import BadRequest


class Parameters:
    """Raises `BadRequest` for whatever is missing, of the wrong type, or unknown."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._rest = {name: value for name, value in values.items() if value is not None}

    def text(self, name: str) -> str:
        value = self._taken(name, str, "text")
        if value is None:
            raise _missing(name)
        return str(value)

    def optional_text(self, name: str) -> str | None:
        value = self._taken(name, str, "text")
        return None if value is None else str(value)

    def data(self, name: str) -> bytes:
        value = self._taken(name, bytes, "bytes")
        if value is None:
            raise _missing(name)
        return bytes(value)

    def integer(self, name: str) -> int:
        value = self.optional_integer(name)
        if value is None:
            raise _missing(name)
        return value

    def optional_integer(self, name: str) -> int | None:
        value = self._rest.pop(name, None)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise _wrong(name, "a whole number", value)

    def flag(self, name: str) -> bool:
        return bool(self._taken(name, bool, "yes or no"))

    def maps(self, name: str) -> list[Mapping[str, Any]]:
        value = self._rest.pop(name, None)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise _wrong(name, "a list of maps", value)
        return value

    def rest(self) -> Mapping[str, Any]:
        """All that was not taken, for whoever knows those fields; nothing is left for `end`."""
        rest, self._rest = self._rest, {}
        return rest

    def end(self) -> None:
        """All were taken."""
        if self._rest:
            raise BadRequest(
                f"There is no parameter {', '.join(sorted(self._rest))} here. Nothing was changed."
            )

    def _taken(self, name: str, of: type, words: str) -> Any:
        value = self._rest.pop(name, None)
        if value is not None and not isinstance(value, of):
            raise _wrong(name, words, value)
        return value


def _missing(name: str) -> BadRequest:
    return BadRequest(f"The parameter {name} is missing. Nothing was changed.")


def _wrong(name: str, words: str, value: object) -> BadRequest:
    # Only its type: a value may be a passphrase that was given under the wrong name.
    return BadRequest(f"The parameter {name} is {words}, not {type(value).__name__}. Nothing was changed.")
