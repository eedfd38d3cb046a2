"""Every kind of record that has no screen of its own, in one title and one line of plain words.

Law: a measured value stands with its unit, and what was refused, not done or not possible is said in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from ..catalogue import answer_text, question_text
from ..kinds import Kind
from ..records import Record, UnknownBody
from . import care, case


@dataclass(frozen=True, slots=True)
class Description:
    """A record as one line of a list."""

    title: str
    text: str


def described(record: Record, language: str = "en") -> Description | None:
    """The record in plain words; None for kinds that have a rendering of their own, and unknown ones.

    `language` is that of coded questions and answers; the rest is English.
    """
    if isinstance(record.body, UnknownBody):
        return None
    if record.kind == Kind.QUESTION:
        return Description("question", question_text(record.body, language))
    if record.kind == Kind.ANSWER:
        return Description("answer", answer_text(record.body, language))
    title, words = _WORDS.get(record.kind, (None, None))
    if title is None or words is None:
        return None
    return Description(title, words(record.body))


_WORDS: Final[Mapping[int, tuple[str, Callable[[Any], str]]]] = MappingProxyType(
    {
        Kind.IDENTITY: ("identity", case.identity),
        Kind.CARE_TEAM: ("care team", case.care_team),
        Kind.CONSENT: ("consent", case.consent),
        Kind.FINDINGS: ("findings", case.findings),
        Kind.CAPABILITY_DELTA: ("list aboard changed", care.capability_delta),
        Kind.POSITION: ("position", case.position),
        Kind.CONTACT_PLAN: ("contact plan", care.contact_plan),
        Kind.SITE_POLICY: ("site policy", care.policy),
        Kind.IMAGING_STUDY: ("imaging study", case.study),
        Kind.MEDIA_REQUEST: ("picture asked for", case.media_request),
        Kind.SECOND_OPINION: ("second opinion", case.second_opinion),
        Kind.REFERRAL: ("referral", care.referral),
        Kind.REFERRAL_ANSWERED: ("referral answered", care.referral_answered),
        Kind.RETURNED: ("returned from referral", care.returned),
        Kind.CARE_PLAN: ("care plan", care.care_plan),
        Kind.RECALL: ("recall", care.recall),
        Kind.SURVEY: ("survey", care.survey),
        Kind.INCIDENT: ("incident", care.incident),
        Kind.OUTCOME: ("outcome", care.outcome),
        Kind.PERSON_LINK: ("same person?", case.person_link),
        Kind.MOVE_ACCEPTED: ("move accepted", case.move_accepted),
        Kind.VOICE_ADVICE: ("advice by voice", case.voice_advice),
        Kind.PRESCRIPTION_CHANGED: ("prescription changed", care.prescription),
        Kind.TRANSFER: ("transfer", care.transfer),
        Kind.REOPENED: ("reopened", lambda body: str(body.reason)),
        Kind.MOVED: ("moved to another case", case.moved),
        Kind.TOMBSTONE: ("erased by its place", lambda body: str(body.reason)),
    }
)
"""Title and words of a kind."""
