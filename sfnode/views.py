"""What the daemon tells its clients: plain frozen views, the same for terminal, command line and `--json`.

Everything here is text, numbers and flags ready to show; bytes are hex. Moments are UTC seconds. Nothing here
says sent, stored, seen or answered before it is.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class HubView:
    """One hub of the site."""

    name: str
    """What people here call it."""
    organisation: str
    home: bool
    """Whether it is meant where none is named."""
    enrolled_s: int
    links: tuple[str, ...]
    """Names of those that lead there."""
    link: str
    """As in the status: "up, certus-100", "no link to NAME"."""
    link_up: bool
    unsent_count: int
    unsent_bytes: int
    last_contact_s: int | None
    rekeys_pending: int = 0
    kept_aside: int | None = None
    """Entries that it has sent and that may not stand; None while the vault is locked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    site: str
    hub: str | None
    """The home hub; None before enrolment."""
    vault: str
    """"locked" or "unlocked"."""
    link: str
    """In words: "up, certus-100", "down since 21:42Z: no route to the hub", "not configured"."""
    link_up: bool
    unsent_count: int
    unsent_bytes: int
    """Sealed bytes that the hub is not known to hold durably."""
    unread_replies: int
    """Whole replies received; while the vault is locked, sealed bundles of class 0 and 1 not opened yet."""
    alarms: int
    spent_usd: float
    bytes_up: int
    bytes_down: int
    last_contact_s: int | None
    medium: tuple[str, ...] = ()
    """How the link's bytes travel, in the contact under way or the last one: "congestion control: bbr"."""
    notices: tuple[str, ...] = ()
    """Sentences for the operator: forks, refusals, disk, clock."""
    forecasts: str = ""
    """How what was told of arrivals fared, "97 of the last 100 forecasts held", or that there is none yet."""
    key_epoch: int | None = None
    """Of the newest opening key; None while the vault is locked."""
    rekeys_pending: int = 0
    """Bundles that lie at a hub, cannot be opened there, and wait to be sealed again."""
    hubs: tuple[HubView, ...] = ()
    """Each on its own, in the order in which they were joined; what is above is of all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    case: str
    """Hex id; any unique prefix, or the short form, names the case in commands."""
    short: str
    patient: str
    """Code, age and sex: "P-0917 54 M"."""
    complaint: str
    urgency: str
    """EMER, URG, ROUT."""
    news2: int | None
    news2_partial: bool
    state: str
    """draft · waiting for link · going (n of m) · stored at hub · seen by doctor · first orders here ·
    ANSWERED · closed · erased (`complaint` says by whom, when and why) · DAMAGED."""
    needs_you: str | None
    """Why a person must look: "ALARM", "reply unread", "written before: …"; None when nothing does."""
    changed_s: int
    hub: str = ""
    """The hub that it is with, where a site has several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsView:
    record: str
    observed_s: int
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
    news2: int | None
    news2_text: str
    """"NEWS2 10 HIGH", "NEWS2 at least 5 MEDIUM (temperature not measured)", "NEWS2 does not apply under
    16"."""
    news2_parts: tuple[str, ...] = ()
    """Each measured input with its own score: "SpO2 3"."""
    news2_rule: str = ""
    """What the score asks for: "7 or more: emergency assessment, …; SpO2 alone scores 3"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerView:
    layer: str
    size_bytes: int
    blob: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoView:
    record: str
    caption: str
    layers: tuple[LayerView, ...]
    metadata_removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """A note that stands, to be corrected."""

    record: str
    language: str
    text: str
    """As it was written, without what it corrects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionView:
    """What the hub asks and nobody has answered, or two have answered in different ways."""

    question: str
    code: int | None
    """Its number in the catalogue, None of one in words."""
    text: str
    """In the site's language where the catalogue speaks it."""
    takes: str
    """What kind of answer: "yes or no", "1 better, 2 the same, 3 worse", "a whole number of min", "words"."""
    choices: tuple[str, ...]
    asked_by: str
    asked_s: int
    within_min: int | None
    answers: tuple[str, ...]
    """More than one contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferView:
    """One bundle on its way; one row of the outbox."""

    what: str
    """"headline", "text", "preview: paper ECG", "standard: paper ECG", "order done"."""
    case: str | None
    direction: str
    """"up" or "down"."""
    size_bytes: int
    done_bytes: int
    """Durable at the other end."""
    state: str
    """"waiting for link", "going", "stored at hub", "received", "refused: …"."""
    eta_s: float | None
    """Seconds left at the measured rate, None without a measurement."""
    stored_s: int | None
    usd: float | None
    arrival: str | None = None
    """As it was told when it was queued: "likely 14:20Z to 15:10Z", "late: was likely by 15:10Z"; None
    without a forecast and once it is stored."""
    hub: str = ""
    """The other end, where a site has several hubs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    reply: str
    number: int
    text: str
    """The whole order in words, as the specialist wrote it."""
    aboard: str
    """"aboard: 40 of list 3", "NOT ON LIST 3: ask, substitute, or next port", "list changed since 3: …", ""
    for acts."""
    read_back: bool
    status: str
    """open, confirmed, done, refused, stopped."""
    status_by: str
    """"given 03:12Z by J. Medic: 300 mg" or ""."""
    mismatch: str | None
    """Both values when what was given differs from the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContingencyView:
    number: int
    text: str
    """"if SpO2 below 90 %: give oxygen 10 l/min (order 3)"."""
    watched: bool
    state: str
    """"watched only when values are entered", "CROSSED 21:30Z: SpO2 84 %", "not watched: …"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    reply: str
    author: str
    written_s: int
    received_s: int
    provisional: bool
    assessment: str
    certainty: str
    orders: tuple[OrderView, ...]
    contingencies: tuple[ContingencyView, ...]
    recheck_every_min: int | None
    recheck_due_s: int | None
    recheck: str = ""
    """"recheck in 12 min", "RECHECK MISSED by 20 min", "cannot tell: confirm"; "" without a rule."""
    stop_rule: str | None
    evacuation: str
    valid_until: str
    """"valid for 6 h more", "NO LONGER VALID", "cannot tell: confirm" when the clock is unset."""
    follow_up: str | None
    superseded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """The current plan: what to do now."""

    case: str
    replies: tuple[ReplyView, ...]
    """More than one that is not superseded means that answers stand side by side and nobody has chosen.
    Superseded ones follow only while an order of theirs goes on."""
    advice: tuple[str, ...]
    written_before: tuple[str, ...]
    """What the reply did not know of: "allergy: penicillin, 21:30Z"; empty when it knew everything
    relevant."""
    accepted_by: str | None
    headline: str
    """One sentence: "No reply yet: sent 21:40Z, stored at hub 21:41Z", "Reply from …, WRITTEN BEFORE …"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    alarm: int
    case: str | None
    severity: str
    """"emergency" or "warning"."""
    text: str
    """"SpO2 84 % crossed \"below 90\": give oxygen 10 l/min (order 3)"; neutral words while the vault is
    locked."""
    since_s: int
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    row: CaseRow
    question: str
    allergies: str
    """"penicillin", "none known", "NOT ASKED"."""
    weight: str
    pregnancy: str
    medicines: tuple[str, ...]
    history: tuple[str, ...]
    notes: tuple[str, ...]
    """Those that stand; one that corrects others says what they said."""
    treatments: tuple[str, ...]
    vitals: tuple[VitalsView, ...]
    photos: tuple[PhotoView, ...]
    plan: PlanView | None
    transfers: tuple[TransferView, ...]
    not_understood: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """Labels of fields of the case's template that have no answer; those needed for sending start with
    "*"."""
    others: tuple[str, ...] = ()
    """Records without a screen of their own, oldest first."""
    sent: bool = False
    note_views: tuple[NoteView, ...] = ()
    """Of each of `notes`, in their order."""
    questions: tuple[QuestionView, ...] = ()
    """That wait for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """One contact, as `sfnode sync --once --json` prints it."""

    link: str
    ended: str
    """"nothing left to do", or why it broke off; what was stored stays stored."""
    complete: bool
    seconds: float
    bundles_sent: int
    bundles_received: int
    bytes_up: int
    """Bytes handed to the link, framing included, IP headers not."""
    bytes_down: int
    payload_up: int
    payload_down: int
    bytes_received_twice: int
    usd: float
    held: tuple[str, ...] = ()
    """What no link may carry now, why, and how to lift it."""
    failed: bool = False
    """Nobody answered, or the link broke: no price or floor is the reason that nothing went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """One way to the hub: how it is, and what it has cost today."""

    name: str
    mode: str
    state: str
    up: bool
    floor: str
    """The least urgent class that may go over it."""
    price: str
    spent_today_usd: float
    today_bytes: int
    cap_usd: float | None
    cap_bytes: int | None
    rate_bit_s: int
    rtt_s: float
    measured_contacts: int
    """How many contacts that rate was measured in; 0 while it is declared."""
    hub: str = ""
    """Where it leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalView:
    """When something is likely at the hub. What a person there does with it is not foretold."""

    basis: str
    """"from 12 past contacts", "no forecast yet: 2 of 8 contacts seen"."""
    contacts: int
    """Past contacts that it rests on, or were seen so far."""
    when: str = ""
    """"between 14:20Z and 15:10Z", "in 5 s to 20 s"; "" while there is no forecast."""
    by: str = ""
    """"by 15:10Z"."""
    low_s: float | None = None
    """From now."""
    high_s: float | None = None
    from_s: int | None = None
    """UTC seconds; None also while this machine's clock is not set."""
    until_s: int | None = None

    @property
    def words(self) -> str:
        return f"likely at the hub {self.when} ({self.basis})" if self.when else self.basis


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPriceView:
    """What it would take over one link, from the first byte to the last receipt."""

    link: str
    bytes: int
    """On the link, both ways, with a contact's own words."""
    seconds: float
    usd: float
    basis: str
    """"measured in 5 contacts", or that there is no forecast yet."""
    held: str | None
    """Why the link would not carry all of it by itself now, and what of it goes all the same."""
    window: str = ""
    """Whether it can finish before the link goes dark, by past windows; "" while it is not up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePriceView:
    """One bundle that waits, or would."""

    what: str
    priority: str
    size_bytes: int
    link: str | None
    """The one that would carry it; None where it is held back."""
    seconds: float | None
    """Until its last receipt, behind what is more urgent, once the link is there."""
    usd: float | None
    """Its own share, without what the contact costs anyway."""
    arrival: ArrivalView | None = None
    """None where it is held back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceView:
    """Bytes, minutes and money before anything is sent."""

    draft: bool
    size_bytes: int
    links: tuple[LinkPriceView, ...]
    """Every link that may be taken, the cheapest that may carry all of it first; none where no link leads to
    the case's hub."""
    bundles: tuple[BundlePriceView, ...]

    @property
    def first(self) -> LinkPriceView | None:
        """The link that what is most urgent would take; the first of all where none may carry it, None where
        there is none."""
        taken = self.bundles[0].link if self.bundles else None
        taking = [each for each in self.links if each.link == taken]
        return next(iter((*taking, *self.links)), None)

    @property
    def arrival(self) -> str:
        """When the first and the last of what may go are likely at the hub; "" when all is held back."""
        going = [each for each in self.bundles if each.arrival is not None]
        if not going or going[0].arrival is None or going[-1].arrival is None:
            return ""
        first, last = going[0].arrival, going[-1].arrival
        if len(going) == 1 or not first.when:
            return first.words
        if not last.when:
            return f"{going[0].what} {first.words}, the rest: {last.basis}"
        all_of_it = "all of it" if len(going) == len(self.bundles) else "all that goes"
        if first.when == last.when:
            return f"{all_of_it} {last.words}"
        return f"{going[0].what} likely at the hub {first.when}, {all_of_it} {last.by} ({last.basis})"

    @property
    def held_count(self) -> int:
        """How many bundles no link may carry now."""
        return sum(each.link is None for each in self.bundles)


View = TypeVar("View")


def to_primitive(view: Any) -> Any:
    """A view as maps, lists and scalars, for msgpack and JSON."""
    return dataclasses.asdict(view)


def from_primitive(of: type[View], values: Mapping[str, Any]) -> View:
    """The view again, at the client; unknown keys are ignored so that an older client can talk to a newer
    daemon."""
    hints = typing.get_type_hints(of)
    known = {
        field.name: _restore(hints[field.name], values[field.name])
        for field in dataclasses.fields(of)  # type: ignore[arg-type]  # Every view is a dataclass.
        if field.name in values
    }
    return of(**known)


def _restore(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(hint, types.UnionType):
        return _restore(next(part for part in typing.get_args(hint) if part is not types.NoneType), value)
    if typing.get_origin(hint) is tuple:
        return tuple(_restore(typing.get_args(hint)[0], item) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_primitive(hint, value)
    return value
