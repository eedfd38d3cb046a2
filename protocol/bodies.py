"""The registry: which body each kind of record has, and the newest version of each that we read.

Adding a field to a body keeps its version, since an old reader leaves unknown fields alone (or says that it
must know them, see `protocol.schema.CRITICAL_FIELD_MIN`). Adding a value to a closed list makes a new version
of every kind that uses the list: an old reader then keeps the whole record as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from . import (
    actors,
    chronic,
    clinical,
    consent,
    corrections,
    erasure,
    findings,
    identity,
    imaging,
    movement,
    opinions,
    orders,
    prekeys,
    quality,
    questions,
    reply_headline,
    station,
    voyage,
)
from .kinds import Kind

_PEOPLE: Final[Mapping[Kind, type[Any]]] = {
    Kind.ACTOR: actors.Actor,
    Kind.PATIENT: clinical.Patient,
    Kind.IDENTITY: identity.Identity,
    Kind.PERSON_LINK: identity.PersonLink,
    Kind.CARE_TEAM: consent.CareTeam,
    Kind.CONSENT: consent.Consent,
}
_CASE: Final[Mapping[Kind, type[Any]]] = {
    Kind.CASE_OPENED: clinical.CaseOpened,
    Kind.HEADLINE: clinical.Headline,
    Kind.FINDINGS: findings.Findings,
    Kind.NOTE: clinical.Note,
    Kind.VITALS: clinical.Vitals,
    Kind.TREATMENT: clinical.Treatment,
    Kind.MEDIA: clinical.Media,
    Kind.IMAGING_STUDY: imaging.ImagingStudy,
    Kind.POSITION: voyage.Position,
    Kind.CLOSED: clinical.Closed,
}
_STATION: Final[Mapping[Kind, type[Any]]] = {
    Kind.CAPABILITY: orders.Capability,
    Kind.CAPABILITY_DELTA: station.CapabilityDelta,
    Kind.CONTACT_PLAN: station.ContactPlan,
    Kind.SITE_POLICY: station.SitePolicy,
    Kind.PREKEY: prekeys.EpochKey,
    Kind.REVOCATION: prekeys.Revocation,
}
_ADVICE: Final[Mapping[Kind, type[Any]]] = {
    Kind.CASE_SEEN: orders.Seen,
    Kind.QUESTION: questions.Question,
    Kind.ANSWER: questions.Answer,
    Kind.MEDIA_REQUEST: imaging.MediaRequest,
    Kind.REPLY: orders.Reply,
    Kind.REPLY_HEADLINE: reply_headline.ReplyHeadline,
    Kind.ADVICE: orders.Advice,
    Kind.VOICE_ADVICE: opinions.VoiceAdvice,
    Kind.SECOND_OPINION: opinions.SecondOpinion,
    Kind.ORDER_STOPPED: orders.OrderStopped,
}
_CARRIED_OUT: Final[Mapping[Kind, type[Any]]] = {
    Kind.REPLY_SEEN: orders.Seen,
    Kind.ORDER_CONFIRMED: orders.OrderConfirmed,
    Kind.ORDER_GIVEN: orders.OrderGiven,
    Kind.ORDER_REFUSED: orders.OrderRefused,
    Kind.PLAN_ACCEPTED: orders.PlanAccepted,
}
_LONG_CARE: Final[Mapping[Kind, type[Any]]] = {
    Kind.REFERRAL: movement.Referral,
    Kind.REFERRAL_ANSWERED: movement.ReferralAnswered,
    Kind.RETURNED: movement.Returned,
    Kind.TRANSFER: movement.Transfer,
    Kind.CARE_PLAN: chronic.CarePlan,
    Kind.PRESCRIPTION_CHANGED: chronic.PrescriptionChanged,
    Kind.RECALL: chronic.Recall,
    Kind.SURVEY: quality.Survey,
    Kind.INCIDENT: quality.Incident,
    Kind.OUTCOME: quality.Outcome,
}
_CORRECTIONS: Final[Mapping[Kind, type[Any]]] = {
    Kind.VOIDED: clinical.Voided,
    Kind.REOPENED: corrections.Reopened,
    Kind.MOVED: corrections.Moved,
    Kind.MOVE_ACCEPTED: corrections.MoveAccepted,
    Kind.TOMBSTONE: erasure.Tombstone,
}

BODIES: Final[Mapping[Kind, type[Any]]] = MappingProxyType(
    {**_PEOPLE, **_CASE, **_STATION, **_ADVICE, **_CARRIED_OUT, **_LONG_CARE, **_CORRECTIONS}
)

SCHEMA_VERSION: Final[Mapping[Kind, int]] = MappingProxyType(dict.fromkeys(Kind, 1))
