"""Text: what can be seen comes back exactly, and what could hide in a dose or break its line is refused."""

from __future__ import annotations

import pytest

from protocol.errors import InvalidRecord, MalformedInput
from protocol.schema import Text

UNSEEN = (
    *(0x00AD, 0x115F, 0x1160, 0x180E, 0x200B, 0x2028, 0x2029, 0x3164, 0xFEFF, 0xFFA0, 0xFFFE, 0xFFFF),
    *range(0x2060, 0x2066),
    *range(0x206A, 0x2070),
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
)


@pytest.mark.parametrize("point", UNSEEN, ids=lambda point: f"U+{point:04X}")
def test_what_cannot_be_seen_is_refused_from_either_side(point: int) -> None:
    text = f"1{chr(point)}0 mg"
    with pytest.raises(InvalidRecord, match=f"invisible character U\\+{point:04X}"):
        Text().encode(text)
    with pytest.raises(MalformedInput, match="invisible"):
        Text().decode(text)


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
@pytest.mark.parametrize("text", ["1{}0 mg", "{}10 mg", "10 {}mg", "m{}g", "\u0645{0}{0}\u06cc"])
def test_a_joiner_hides_in_no_dose(joiner: str, text: str) -> None:
    with pytest.raises(InvalidRecord, match="invisible"):
        Text().encode(text.format(joiner))


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0d28\u0d4d\u200d 10 mg",
        "\U0001f469\u200d\u2695\ufe0f",
        "10 µg, 가슴 통증, niño,\u00a0½ tablet",
        "two\nlines",
    ],
    ids=["Persian", "Malayalam", "emoji", "several scripts", "line feed"],
)
def test_what_scripts_and_emoji_need_comes_back(text: str) -> None:
    assert Text().decode(Text().encode(text)) == text
