"""Makes text that others wrote harmless to a terminal: no control, no direction change, no invisible trick.

The protocol refuses such characters when it decodes; this is the second wall, at the only door through which
text enters the terminal interface.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Final

REPLACEMENT: Final = "?"
_BREAKS: Final = {"\t": " ", "\r\n": "\n", "\r": "\n", "\u2028": "\n", "\u2029": "\n"}
# Controls (ESC, C1, ...), formats (bidirectional, zero width), lone surrogates, private use, unassigned.
_REFUSED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def inert(text: str) -> str:
    """`text` with each character that could act on a terminal replaced by `?`; line breaks stay."""
    if text.isascii() and text.isprintable():
        return text
    for found, replacement in _BREAKS.items():
        text = text.replace(found, replacement)
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        REPLACEMENT if character != "\n" and unicodedata.category(character) in _REFUSED else character
        for character in composed
    )


def inert_values(value: Any) -> Any:
    """The same for every text in a decoded answer, however deep; decoding has bounded its depth."""
    match value:
        case str():
            return inert(value)
        case dict():
            return {key: inert_values(item) for key, item in value.items()}
        case list() | tuple():
            return [inert_values(item) for item in value]
    return value
