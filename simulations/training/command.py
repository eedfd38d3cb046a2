"""`sfsim train-dictionaries`: makes the phrase books from the committed texts; measures them on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from protocol.coding.library import BOOK_FILES, book_file_name
from protocol.coding.phrases import PhraseBook, encode_book
from simulations.demo.screen import table

from .learning import learn
from .measure import measured_lines
from .samples import LANGUAGES, letters_of, samples_of, texts_of


@click.command("train-dictionaries")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write the books to.")
@click.option("--check", is_flag=True, help="Fail if a trained book is not the one that is shipped.")
@click.option(
    "--language", "only", type=click.Choice(sorted(LANGUAGES.values())), help="Train this one alone."
)
@click.argument("texts", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def train_dictionaries(out: Path | None, check: bool, only: str | None, texts: Sequence[Path]) -> None:
    """Train the dictionary of each language; then measure them on TEXTS, which training must not have seen.

    A published dictionary never changes: after a change of the training texts the books need new ids.
    """
    wanted = {book_id: language for book_id, language in LANGUAGES.items() if only in (None, language)}
    books = {book_id: train(language) for book_id, language in wanted.items()}
    files = {}
    for book_id, book in books.items():
        data = encode_book(book)
        files[book_file_name(book_id, book.language, data)] = data
    shipped = set(BOOK_FILES.values())
    cells = [(name, str(len(data)), "yes" if name in shipped else "no") for name, data in files.items()]
    for line in table(("book", "bytes", "shipped"), cells):
        click.echo(line)
    if out is not None:
        _write_books(out, files)
    for line in measured_lines(texts, books) if texts else ():
        click.echo(line)
    if check and not shipped.issuperset(files):
        raise click.ClickException("the texts no longer give the shipped books: publish these under new ids")


def _write_books(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def train(language: str) -> PhraseBook:
    """The book that the committed texts of a language give."""
    invented = texts_of(language)
    return PhraseBook(language, learn(samples_of(language, invented), invented.words, letters_of(language)))
