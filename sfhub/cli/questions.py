"""Commands on coded questions: what the catalogue has, and asking a site."""

from __future__ import annotations

import click

from protocol.catalogue import catalogue

from .calling import call_hub
from .cases import show_sent
from .terminal import Terminal, json_option, table


@click.group()
def question() -> None:
    """Ask a site what it can answer in a few bytes."""


@question.command("list")
@json_option
@click.pass_obj
def question_list(terminal: Terminal, as_json: bool) -> None:
    """The questions that have a number, the same in every language."""
    known = list(catalogue().questions.values())
    terminal.data(
        [
            {"code": each.code, "answer": each.answer.value, "unit": each.unit, "texts": dict(each.texts)}
            for each in known
        ],
        as_json=as_json,
        text=lambda: table(
            ("NUMBER", "QUESTION", "ANSWER"), ((each.code, each.text(), each.answer.value) for each in known)
        ),
    )


@question.command("ask")
@click.argument("name", metavar="CASE")
@click.argument("codes", metavar="NUMBER...", nargs=-1, required=True, type=int)
@click.option("--by", required=True, help="Who asks: a specialist or a coordinator.")
@click.option("--within-min", type=click.IntRange(1), help="Within how many minutes an answer helps.")
@json_option
@click.pass_obj
def question_ask(
    terminal: Terminal, name: str, codes: tuple[int, ...], by: str, within_min: int | None, as_json: bool
) -> None:
    """Ask questions of the catalogue; the site reads them in its own language."""
    params = {"case": name, "by": by, "codes": list(codes), "within_min": within_min}
    show_sent(terminal, call_hub(terminal.folder, "question_ask", params), as_json=as_json)
