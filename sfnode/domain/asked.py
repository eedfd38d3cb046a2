"""A specialist's questions as the site is asked them, in its own language, and what was typed as an answer.

Law: an answer is what was typed or it is refused; it is never guessed from something that looks like it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from protocol.catalogue import AnswerType, CodedQuestion, answer_text, catalogue, question_text
from protocol.errors import InvalidRecord
from protocol.fold_loops import LoopStatus, QuestionState
from protocol.questions import Answer, AnswerState, Question
from sfnode.errors import ValueRefused
from sfnode.views import QuestionView

from .case_file import CaseFile

ANSWER_STATES: Final[Mapping[str, AnswerState]] = {
    "answered": AnswerState.ANSWERED,
    "not-done": AnswerState.NOT_DONE,
    "cannot": AnswerState.CANNOT,
    "refused": AnswerState.REFUSED,
    "not-known": AnswerState.NOT_KNOWN,
}


def waiting_questions(case: CaseFile) -> tuple[QuestionState, ...]:
    """Those that nobody has answered, or that were answered in two ways."""
    return tuple(state for state in case.state.questions if state.status is not LoopStatus.ANSWERED)


def question_views(case: CaseFile, language: str) -> tuple[QuestionView, ...]:
    """Of the questions that wait, oldest first."""
    return tuple(_view(state, case, language) for state in waiting_questions(case))


def answer_of(question: Question, *, value: str | None, state: AnswerState, language: str) -> Answer:
    """What was typed, as the question takes it. `ValueRefused` says what it takes."""
    known = _known(question)
    text = (value or "").strip() or None
    try:
        if state is not AnswerState.ANSWERED or known is None or known.answer is AnswerType.TEXT:
            spoken = None if text is None else language
            answer = Answer(code=question.code, state=state, text=text, language=spoken)
        elif known.answer is AnswerType.NUMBER:
            answer = Answer(code=question.code, number=_number(text, known, language))
        else:
            answer = Answer(code=question.code, options=_chosen(text, known, language))
    except InvalidRecord as error:
        raise _refused(known, language) from error
    if known is not None and not known.accepts(answer):
        raise _refused(known, language)
    return answer


def _view(state: QuestionState, case: CaseFile, language: str) -> QuestionView:
    record = state.question
    question: Question = record.body
    known = _known(question)
    return QuestionView(
        question=record.record_id.hex(),
        code=question.code,
        text=question_text(question, language),
        takes=_takes(known, language),
        choices=() if known is None else tuple(_word(option, language) for option in known.options),
        asked_by=case.state.name_of(record.author),
        asked_s=record.stamp.wall_s,
        within_min=question.answer_within_min,
        answers=tuple(answer_text(answer.body, language) for answer in state.answers),
    )


def _known(question: Question) -> CodedQuestion | None:
    return None if question.code is None else catalogue().questions.get(question.code)


def _takes(known: CodedQuestion | None, language: str) -> str:
    if known is None or known.answer is AnswerType.TEXT:
        return "words"
    if known.answer is AnswerType.NUMBER:
        unit = known.unit or ""
        return "a number" if unit.startswith("{") else f"a whole number of {unit}"
    words = [_word(option, language) for option in known.options]
    if known.answer is AnswerType.YES_NO:
        return " or ".join(reversed(words))
    return ", ".join(f"{number} {word}" for number, word in enumerate(words, start=1))


def _number(text: str | None, known: CodedQuestion, language: str) -> int:
    if text is None or not (text.isascii() and text.isdecimal()):
        raise _refused(known, language)
    return int(text)


def _chosen(text: str | None, known: CodedQuestion, language: str) -> tuple[int, ...]:
    """By word, in the site's language or in English; where there are more than yes and no, also by number."""
    by_name: dict[str, int] = {}
    for spoken in ("en", language):  # Where both have a word, it means what it means at the site.
        by_name |= {_word(option, spoken).casefold(): n for n, option in enumerate(known.options)}
    if known.answer is AnswerType.CHOICE:
        by_name |= {str(n + 1): n for n in range(len(known.options))}
    typed = (text or "").casefold()
    # A word may hold a comma of its own.
    names = [typed] if typed in by_name else [part.strip() for part in typed.split(",")]
    if any(name not in by_name for name in names):
        raise _refused(known, language)
    chosen = tuple(dict.fromkeys(by_name[name] for name in names))
    if known.answer is AnswerType.YES_NO and len(chosen) != 1:
        raise _refused(known, language)
    return chosen


def _word(option: Mapping[str, str], language: str) -> str:
    return option.get(language, option["en"])


def _refused(known: CodedQuestion | None, language: str) -> ValueRefused:
    return ValueRefused(
        f"This question takes {_takes(known, language)}. Nothing was saved. If it cannot be answered, say "
        "why: not done, cannot, refused or not known."
    )
