"""Plain words of what goes beyond one consult: referral, journey, long care, quality, and the site itself."""

from __future__ import annotations

from ..chronic import CarePlan, PrescriptionChanged, Recall, Target
from ..codes import measured
from ..movement import Referral, ReferralAnswered, Returned, Transfer
from ..quality import Incident, Outcome, Survey
from ..station import CapabilityDelta, ContactPlan, SitePolicy
from .phrases import choice_word, joined, listed, moment, named, yes_no


def referral(body: Referral) -> str:
    return joined(
        f"to {body.service}",
        choice_word(body.urgency),
        body.reason,
        named("question", body.question),
        named("findings", body.findings),
        listed("medicines", body.medicines),
        named("family", body.family_history),
        named("answer by", moment(body.answer_wanted_by_s)),
    )


def referral_answered(body: ReferralAnswered) -> str:
    return joined(
        choice_word(body.decision),
        body.reason,
        named("instead", body.instead),
        named("appointment", moment(body.appointment_s)),
    )


def returned(body: Returned) -> str:
    pending = (
        joined(each.what, f"owner {each.owner}", named("expected", moment(each.expected_s)))
        for each in body.results_pending
    )
    return joined(
        body.diagnosis,
        named("done", body.done),
        listed("medicines changed", body.medicine_changes),
        listed("results to come", pending),
        named("fitness", choice_word(body.fitness)) if body.fitness else None,
        named("limits", body.limits),
        named("watch for", body.watch_for),
        named("come back if", body.come_back_if),
        named("next review", moment(body.next_review_s)),
    )


def transfer(body: Transfer) -> str:
    return joined(
        f"{choice_word(body.stage)}: {body.place}",
        moment(body.at_s),
        named("bed", body.bed),
        named("by", body.means),
        named("escort", body.escort),
        named("arrival", moment(body.arrival_s)),
        body.reason,
    )


def care_plan(body: CarePlan) -> str:
    return joined(
        body.condition,
        listed("targets", (_target(target) for target in body.targets)),
        listed("tasks", body.tasks),
        named("warning signs", body.warning_signs),
        named("next review", moment(body.next_review_s)),
    )


def _target(target: Target) -> str:
    low = None if target.low is None else f"at least {measured(target.measure, target.low)}"
    high = None if target.high is None else f"at most {measured(target.measure, target.high)}"
    every = target.measured_every_days
    return joined(low, high, None if every is None else f"measured every {every} days")


def prescription(body: PrescriptionChanged) -> str:
    return joined(
        f"{str(choice_word(body.action)).upper()} {body.medicine}",
        body.strength,
        body.dose,
        body.route,
        body.frequency,
        None if body.supply_days is None else f"for {body.supply_days} days",
        named("from", moment(body.from_s)),
        body.reason,
    )


def recall(body: Recall) -> str:
    return joined(
        f"due {moment(body.due_s)}",
        body.reason,
        listed("tasks", body.tasks),
        None if body.late_after_days is None else f"late after {body.late_after_days} days",
        None if body.repeats_every_days is None else f"again every {body.repeats_every_days} days",
    )


def survey(body: Survey) -> str:
    items = (
        joined(f"item {each.item}", named("score", each.score) or "no score", each.text)
        for each in body.items
    )
    return joined(body.instrument, f"by {choice_word(body.respondent)}", body.language, *items, body.remark)


def incident(body: Incident) -> str:
    return joined(
        choice_word(body.sort),
        f"harm: {choice_word(body.harm)}",
        body.what,
        named("happened", moment(body.happened_s)),
        named("done", body.done),
        named("would prevent it", body.prevention),
    )


def outcome(body: Outcome) -> str:
    return joined(
        choice_word(body.course),
        moment(body.judged_s),
        choice_word(body.whereabouts) if body.whereabouts else None,
        named("diagnosis", body.diagnosis),
        named("advice followed", yes_no(body.advice_followed)),
        named("advice helped", yes_no(body.advice_helped)),
        named("evacuation", choice_word(body.evacuation)),
        body.remark,
    )


def capability_delta(body: CapabilityDelta) -> str:
    changed = (
        joined(
            " ".join(part for part in (item.name, item.strength, item.form) if part),
            f"{item.quantity} left",
            named("expires", item.expires),
        )
        for item in body.changed
    )
    return joined(
        f"list {body.base_version} → {body.version}",
        listed("now", changed),
        listed("gone: items", (str(number) for number in body.removed)),
    )


def contact_plan(body: ContactPlan) -> str:
    contacts = (
        joined(
            f"{choice_word(each.medium)} from {moment(each.opens_s)} for {each.lasts_min} min",
            None if each.repeats_every_min is None else f"every {each.repeats_every_min} min",
            None if each.rate_bit_s is None else f"{each.rate_bit_s} bit/s",
            None if each.cents_per_mb is None else f"{each.cents_per_mb} cents/MB",
            None if each.cents_per_min is None else f"{each.cents_per_min} cents/min",
            each.currency,
            None if each.chance_percent is None else f"chance {each.chance_percent} %",
            each.remark,
        )
        for each in body.contacts
    )
    return joined("; ".join(contacts), named("until", moment(body.valid_until_s)))


def policy(body: SitePolicy) -> str:
    caps = (
        joined(
            f"per {choice_word(cap.period)}",
            None if cap.cents is None else f"{cap.cents} cents {cap.currency or ''}".rstrip(),
            None if cap.bytes_sent is None else f"{cap.bytes_sent} bytes",
        )
        for cap in body.caps
    )
    thresholds = (
        joined(
            f"{choice_word(each.comparison)} {measured(each.measure, each.value)}",
            None if each.age_from_years is None else f"from {each.age_from_years} years",
            None if each.age_below_years is None else f"below {each.age_below_years} years",
            each.then,
        )
        for each in body.thresholds
    )
    return joined(
        f"policy {body.version}",
        listed("forms", (f"{form.name} {form.version}" for form in body.templates)),
        listed("caps", caps),
        listed("phones", (joined(p.name, p.number, p.purpose, p.hours) for p in body.phones)),
        listed("alarms", thresholds),
        body.remark,
    )
