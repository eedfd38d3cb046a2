"""The Latin letter on the key of a Hangul one: a keyboard left in Korean mode still reaches every command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# The 2-set layout (KS X 5002), in the order of the rows of keys.
_LETTERS: Final[Mapping[str, str]] = dict(
    zip("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", "qwertyuiopasdfghjklzxcvbnm", strict=True)
)


def latin_key(character: str) -> str:
    """The letter of the same key; `character` itself if it is no single Hangul letter."""
    return _LETTERS.get(character, character)
