"""The kinds of record by number; a number is never used again for something else.

Law: kinds from `CRITICAL_KIND_MIN` up must be understood. A kind stands there when a reader that passed over
it could harm the patient: it would give what was stopped, go on treating under the wrong name, watch nothing
in a case that was opened again, or order anew what was ordered by voice. What merely comes late when it is
not read (a question, a survey, a plan for next month) stands below, so that software that is a version
behind does not cry wolf.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

CRITICAL_KIND_MIN: Final = 128
"""Kinds numbered from here up must be understood: a node that does not know one says "update or call"."""


class Kind(IntEnum):
    """What a record states."""

    ACTOR = 1
    PATIENT = 2
    IDENTITY = 3
    CARE_TEAM = 4
    CONSENT = 5
    """Below the line: a refusal is enforced where it is written, since that site then sends nothing more."""
    CASE_OPENED = 6
    HEADLINE = 7
    FINDINGS = 8
    NOTE = 9
    VITALS = 10
    TREATMENT = 11
    MEDIA = 12
    CAPABILITY = 13
    CAPABILITY_DELTA = 14
    POSITION = 15
    CASE_SEEN = 16
    REPLY_SEEN = 17
    ORDER_CONFIRMED = 18
    ORDER_GIVEN = 19
    ORDER_REFUSED = 20
    PLAN_ACCEPTED = 21
    CLOSED = 22
    CONTACT_PLAN = 23
    SITE_POLICY = 24
    IMAGING_STUDY = 25
    QUESTION = 26
    ANSWER = 27
    MEDIA_REQUEST = 28
    SECOND_OPINION = 29
    """Below the line: the reply it is about stands by itself, and the author of a dangerous one is stopped
    with an order stopped."""
    REFERRAL = 30
    REFERRAL_ANSWERED = 31
    RETURNED = 32
    CARE_PLAN = 33
    RECALL = 34
    SURVEY = 35
    INCIDENT = 36
    OUTCOME = 37
    PERSON_LINK = 38
    """Below the line: whoever does not know the kind has joined nobody, and so has nothing to part."""
    MOVE_ACCEPTED = 39
    """Below the line: whoever does not know it keeps the orders suspended, which is the safe side."""
    PREKEY = 40
    REVOCATION = 41
    REPLY = 128
    ADVICE = 129
    ORDER_STOPPED = 130
    VOIDED = 131
    REPLY_HEADLINE = 132
    VOICE_ADVICE = 133
    """Whoever passes it over may order again what was given on a doctor's spoken word."""
    PRESCRIPTION_CHANGED = 134
    """Whoever passes it over goes on giving what was stopped."""
    TRANSFER = 135
    """Whoever passes it over goes on treating somebody who has left, or sends an escort to a full ward."""
    REOPENED = 136
    """Whoever passes it over takes the case for closed, and a closed case watches nothing."""
    MOVED = 137
    """Whoever passes it over treats one person by the orders for another."""
    TOMBSTONE = 138
    """Whoever passes it over goes on showing, and handing on, what was erased elsewhere for a reason."""
