"""What the hub shows: plain frozen views, the same for console, command line and `--json`.

Everything here is text, numbers and flags ready to show; bytes are hex. Moments are UTC seconds, those of
arrival by the hub's clock. Nothing here says complete, stored, seen or done before it is.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One line of the worklist."""

    case: str
    short: str
    site: str
    urgency: int
    """The class, 0 the most urgent."""
    urgency_word: str
    patient: str
    """"54 M", "age not stated"."""
    complaint: str
    news2: str
    """"10", "at least 5", "not for this patient"."""
    score_worst: int
    score_band: str
    needs_answer: bool
    state: str
    since_s: float
    """Since when it waits, or is answered."""
    photos_arrived: int
    photos_named: int
    missing: tuple[str, ...]
    """Sentences: what has not arrived yet."""
    headline_only: bool
    provisional: bool
    """All that is here is a headline that came from the site and that nobody has signed."""
    site_mailbox: str
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsView:
    record: str
    observed_s: int
    arrived_s: float
    heart_rate_min: int | None
    respiratory_rate_min: int | None
    spo2_percent: int | None
    on_oxygen: bool | None
    systolic_mmhg: int | None
    diastolic_mmhg: int | None
    temperature_c: str | None
    consciousness: str | None
    glasgow_coma: int | None
    pain: int | None
    glucose_mmol_l: str | None
    news2: str
    news2_band: str
    headline: bool
    """Taken from the headline: the series itself is still on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerView:
    layer: str
    """preview, standard, full."""
    blob: str
    size_bytes: int
    width: int
    height: int
    quality: int
    arrived_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaView:
    record: str
    caption: str
    taken_s: int | None
    layers: tuple[LayerView, ...]
    best: LayerView | None
    """The finest layer that is here; None while nothing is."""
    banner: str
    """What a viewer must know of it: "preview layer, lossy, quality 30; the standard layer is on its way"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    reply: str
    number: int
    text: str
    item: int | None
    read_back: bool
    status: str
    """open, confirmed, done, refused, stopped."""
    happened: tuple[str, ...]
    """What the site said of it, each with its moment: "done 03:12Z by Medic: 300 mg"."""
    status_arrived_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    reply: str
    author: str
    written_s: int
    assessment: str
    certainty: str
    orders: tuple[OrderView, ...]
    contingencies: tuple[str, ...]
    recheck_every_min: int | None
    stop_rule: str | None
    evacuation: str
    valid_for_min: int | None
    follow_up: str | None
    superseded: bool
    written_before: tuple[str, ...]
    """What the site has said that it did not know of."""
    carried: str
    """"on its way", "stored at the site", "seen at the site", "written elsewhere"."""
    size_bytes: int
    stored_s: float | None
    seen_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceView:
    record: str
    author: str
    written_s: int
    text: str
    carried: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionView:
    """What was asked of the site, and what it said."""

    question: str
    code: int | None
    """Its number in the catalogue, None of one in words."""
    text: str
    author: str
    asked_s: int
    status: str
    """"open", "answered", "contradicting answers"."""
    answers: tuple[str, ...]
    """More than one stand side by side: nobody has chosen."""
    carried: str
    """As of a reply."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    record: str
    kind: str
    title: str
    text: str
    author: str
    at_hub: bool
    claimed: str
    """The author's wall clock as a claim: "22 Nov 21:42Z (06:42 local)", "clock not set"."""
    claimed_s: int
    arrived_s: float
    struck: bool
    """Entered in error: shown, and no longer counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """When each part of the case was durable at the hub; None has not arrived."""

    headline_s: float | None
    text_s: float | None
    previews_s: tuple[float, ...]
    standard_s: tuple[float, ...]
    full_s: tuple[float, ...]
    previews_named: int
    standard_named: int
    full_named: int
    reply_stored_s: float | None
    reply_seen_s: float | None
    order_confirmed_s: float | None
    order_done_s: float | None
    plan_accepted_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientView:
    code: str
    age_sex: str
    weight: str
    """"82.5 kg measured", "NOT STATED"."""
    pregnancy: str
    allergies: str
    """"penicillin", "none known", "NOT ASKED"."""
    allergic: bool
    medicines: tuple[str, ...]
    history: tuple[str, ...]
    contradictions: tuple[str, ...]
    """Other statements that nothing has replaced: nobody has chosen between them."""
    from_headline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    item: int
    name: str
    strength: str | None
    form: str | None
    quantity: int
    expires: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityView:
    version: int
    items: tuple[ItemView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """One case, whole."""

    row: QueueRow
    case: str
    site: str
    last_heard_s: float | None
    seen: int
    """Names what whoever reads this has seen; a reply that gives it back is not sent past later news."""
    question: str
    template: str
    plan_if_silent: str | None
    onset_s: int | None
    reply_wanted_by_s: int | None
    patient: PatientView
    headline: str | None
    """The headline in words, as it came."""
    vitals: tuple[VitalsView, ...]
    """Newest first."""
    treatments: tuple[str, ...]
    notes: tuple[str, ...]
    """Those that stand; one that corrects others says what they said, and a correction that nobody has signed
    is named so."""
    media: tuple[MediaView, ...]
    layers_unnamed: int
    """Layers here that no manifest of this case names; never shown."""
    replies: tuple[ReplyView, ...]
    advice: tuple[AdviceView, ...]
    questions: tuple[QuestionView, ...]
    """Oldest first."""
    plan_accepted: tuple[str, ...]
    timeline: tuple[TimelineRow, ...]
    """Newest first."""
    arrivals: Arrivals
    capability: CapabilityView | None
    not_understood: tuple[str, ...]
    closed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentView:
    """What became of something a clinician sent."""

    case: str
    record: str
    what: str
    size_bytes: int
    """Sealed bytes that the link will carry at most, header not counted: fewer once the site is known to hold
    what it refers to."""
    cautions: tuple[str, ...]


def to_primitive(view: Any) -> Any:
    """A view as maps, lists and scalars, for the socket and for JSON."""
    if dataclasses.is_dataclass(view) and not isinstance(view, type):
        return {field.name: to_primitive(getattr(view, field.name)) for field in dataclasses.fields(view)}
    if isinstance(view, tuple | list):
        return [to_primitive(item) for item in view]
    return view
