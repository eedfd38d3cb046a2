"""Where a case stands: whether somebody has answered, and what has happened since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol import news2 as protocol_news2
from protocol.news2 import telling_set
from protocol.orders import Reply
from protocol.records import Kind, Record

from .case_file import CaseFile
from .news2 import UNKNOWN, Score, applies, news2, stated


class Stand(StrEnum):
    """The words of the screens."""

    NEW = "new"
    OPENED = "opened"
    ADVISED = "advice sent, reply follows"
    ANSWERED = "answered"
    NEWS = "news since the answer"
    CLOSED = "closed"


_NEEDS_ANSWER: Final = frozenset({Stand.NEW, Stand.OPENED, Stand.ADVISED, Stand.NEWS})
_ALWAYS_NEWS: Final = (
    Kind.PATIENT,
    Kind.FINDINGS,
    Kind.NOTE,
    Kind.TREATMENT,
    Kind.ANSWER,
    Kind.ORDER_REFUSED,
    Kind.VOIDED,
    Kind.VOICE_ADVICE,
    Kind.MOVED,
)
"""What can turn an answer wrong however well the patient looks; an order done as asked is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    stand: Stand
    since_s: float
    """Since when it has waited, or has been answered, by the hub's clock."""
    news: tuple[Record, ...]
    """What the site has said that no answer knows of."""

    @property
    def needs_answer(self) -> bool:
        return self.stand in _NEEDS_ANSWER


def standing_of(file: CaseFile) -> Standing:
    """Where the case stands now."""
    state = file.state
    if state.closed:
        closed_s = max(file.arrival(record).received_s for record in state.closed)
        return Standing(stand=Stand.CLOSED, since_s=closed_s, news=())
    if state.replies:
        return _answered(file)
    stand = Stand.ADVISED if state.advice else Stand.OPENED if state.case_seen else Stand.NEW
    return Standing(stand=stand, since_s=file.first_arrived_s, news=())


def news_since(file: CaseFile, replies: Sequence[Record]) -> tuple[Record, ...]:
    """What the site has said that none of `replies` knew of: news for whoever answers next."""
    outside = [
        record
        for record in file.of_site((*_ALWAYS_NEWS, Kind.VITALS))
        if all(_is_outside(file, record, reply) for reply in replies)
    ]
    return tuple(
        record for record in outside if record.kind != Kind.VITALS or _is_worse(file, record, replies)
    )


def score_of(file: CaseFile) -> Score | None:
    """The score of the readings that stand for the patient now, else what the headline states; None where
    NEWS2 does not apply."""
    headline, patient = file.headline, file.patient
    source = patient or headline
    if source and not applies(source.age_years, source.pregnancy):
        return None
    if telling := telling_set(file.state.vitals):
        return news2(telling.body)
    if headline and headline.vitals:
        return news2(headline.vitals)
    if headline and headline.news2 is not None:
        return stated(headline.news2, headline.news2_missing or 0)
    return UNKNOWN


def _answered(file: CaseFile) -> Standing:
    news = news_since(file, file.state.replies)
    if news:
        since_s = min(file.arrival(record).received_s for record in news)
        return Standing(stand=Stand.NEWS, since_s=since_s, news=news)
    answered_s = max(file.arrival(record).received_s for record in file.state.replies)
    return Standing(stand=Stand.ANSWERED, since_s=answered_s, news=())


def _is_outside(file: CaseFile, record: Record, reply: Record) -> bool:
    body: Reply = reply.body
    late = file.arrival(record).number > file.arrival(reply).number
    return late or record.stamp.counter > body.basis.counter


def _is_worse(file: CaseFile, record: Record, replies: Sequence[Record]) -> bool:
    """Whether these readings call for a new answer: a routine recheck is no news."""
    known = [
        other.body
        for other in file.state.vitals
        if not all(_is_outside(file, other, reply) for reply in replies)
    ]
    scored = protocol_news2.news2(record.body, file.patient)
    cannot_tell = scored.total is None or not known
    return cannot_tell or bool(protocol_news2.worsened(record.body, known, file.patient))
