"""What was typed is found again, and an empty form leaves nothing behind."""

from __future__ import annotations

from tui.drafts import DRAFTS_MAX, Drafts


def test_answers_are_found_again() -> None:
    drafts = Drafts()
    drafts.keep("note C-1", {"text": "pain less", "when": ""})
    assert drafts.of("note C-1") == {"text": "pain less"}
    assert drafts.of("note C-2") == {}


def test_an_emptied_form_is_forgotten() -> None:
    drafts = Drafts()
    drafts.keep("note C-1", {"text": "pain"})
    drafts.keep("note C-1", {"text": ""})
    assert len(drafts) == 0


def test_saving_drops_the_draft() -> None:
    drafts = Drafts()
    drafts.keep("note C-1", {"text": "pain"})
    drafts.drop("note C-1")
    drafts.drop("note C-1")
    assert drafts.of("note C-1") == {}


def test_only_so_many_are_kept_and_the_oldest_goes() -> None:
    drafts = Drafts()
    for number in range(DRAFTS_MAX + 1):
        drafts.keep(f"form {number}", {"text": "x"})
    assert len(drafts) == DRAFTS_MAX
    assert drafts.of("form 0") == {}
    assert drafts.of(f"form {DRAFTS_MAX}") == {"text": "x"}
