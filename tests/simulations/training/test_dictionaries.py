"""The shipped dictionaries are what the committed texts give, and have not seen what they are measured on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from protocol.coding.library import BOOK_FILES, BOOKS_FOLDER, book_of
from simulations.bench.notes import notes, replies
from simulations.cli import main
from simulations.demo import story
from simulations.training.samples import LANGUAGES, texts_of

RUN_WORDS = 6
"""As many words in a row are no longer a clinical commonplace."""


def runs(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return (tuple(words[start : start + RUN_WORDS]) for start in range(len(words) - RUN_WORDS + 1))


def test_every_book_is_of_the_language_that_training_gives_its_id() -> None:
    assert {book_id: book_of(book_id).language for book_id in BOOK_FILES} == LANGUAGES


@pytest.mark.parametrize("language", sorted(LANGUAGES.values()))
def test_training_has_not_seen_what_is_measured(language: str) -> None:
    texts = texts_of(language)
    seen = {run for line in (*texts.notes, *texts.replies, *texts.phrases) for run in runs(line)}
    measured = [note.text for note in (*notes(), *replies()) if note.language == language]
    told = [story.NOTE, story.QUESTION, story.COMPLAINT, story.PLAN_IF_SILENT, str(story.REPLY)]
    for text in (*measured, *told):
        assert not seen & set(runs(text))


def test_training_gives_the_shipped_book_byte_for_byte(tmp_path: Path) -> None:
    """The quickest language; without `--language`, the command does all four."""
    unseen = tmp_path / "unseen.txt"
    unseen.write_text("발열 없음, 기침 없음, 혈압 120/80, 맥박 72회.")
    arguments = ["train-dictionaries", "--language", "ko", "--check", "--out", str(tmp_path), str(unseen)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    (book,) = tmp_path.glob("*.book")
    assert book.name == BOOK_FILES[2]
    assert book.read_bytes() == files("protocol").joinpath(BOOKS_FOLDER, book.name).read_bytes()
    assert "unseen" in result.output
