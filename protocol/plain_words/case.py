"""Plain words of what is said within a case: people, findings, pictures, positions, opinions, corrections."""

from __future__ import annotations

from ..clinical import PictureRegion
from ..codes import measured
from ..consent import CareTeam, Consent
from ..corrections import MoveAccepted, Moved
from ..findings import Finding, Findings, FindingState
from ..identity import Identity, PersonLink, SamePerson
from ..imaging import ImagingStudy, MediaRequest
from ..opinions import SecondOpinion, VoiceAdvice
from ..voyage import Position
from .phrases import choice_word, degrees, joined, listed, moment, named, tenths, yes_no


def identity(body: Identity) -> str:
    papers = (
        joined(f"{choice_word(each.kind)} {each.number}", each.country, named("expires", each.expires))
        for each in body.documents
    )
    return joined(
        body.name,
        body.name_latin,
        named("born", body.birth_date),
        body.nationality,
        body.rank,
        listed("papers", papers),
        named("employer", body.employer),
        named("next of kin", body.next_of_kin),
    )


def person_link(body: PersonLink) -> str:
    verdict = {
        SamePerson.SAME: "said to be the same person as",
        SamePerson.NOT_SAME: "said NOT to be",
        SamePerson.CANNOT_TELL: "cannot tell whether it is",
    }
    return f"{verdict[body.verdict]} patient {body.patient.hex()}: {body.grounds}"


def care_team(body: CareTeam) -> str:
    return joined(*(f"{member.name} ({choice_word(member.task)})" for member in body.added), body.reason)


def consent(body: Consent) -> str:
    scope = ", ".join(str(choice_word(each)) for each in body.scope)
    return joined(
        f"{str(choice_word(body.decision)).upper()} for {scope}",
        f"by {choice_word(body.by)}",
        choice_word(body.how),
        f"capacity: {choice_word(body.capacity)}",
        named("officer present", yes_no(body.officer_present)),
        named("witness", body.witness),
        named("language", body.language),
        named("text", body.text_version),
        named("asked", moment(body.asked_s)),
        body.remark,
    )


def findings(body: Findings) -> str:
    return joined(moment(body.observed_s), "; ".join(_finding(item) for item in body.items), body.template)


def _finding(item: Finding) -> str:
    where = " ".join(part for part in (choice_word(item.side), choice_word(item.site)) if part)
    value = None
    if item.measure is not None:
        value = choice_word(item.measure) if item.value is None else measured(item.measure, item.value)
    words = {FindingState.NOT_DONE: "NOT DONE", FindingState.CANNOT: "CANNOT"}
    state = words.get(item.state) or choice_word(item.state)
    return joined(f"{choice_word(item.system)}: {state}", where, value, item.text)


def position(body: Position) -> str:
    ports = (
        joined(
            port.name,
            None if port.reach_min is None else f"{port.reach_min} min",
            named("hospital", yes_no(port.has_hospital)),
            port.remark,
        )
        for port in body.ports
    )
    return joined(
        moment(body.observed_s),
        degrees(body.latitude_tenthousandths, "N", "S"),
        degrees(body.longitude_tenthousandths, "E", "W"),
        named("by", choice_word(body.source)),
        body.place,
        None if body.course_degrees is None else f"course {body.course_degrees:03}°",
        named("speed", tenths(body.speed_deciknots, "kn")),
        named("bound for", body.destination),
        named("arrival", moment(body.arrival_s)),
        listed("ports", ports),
        None if body.wind_beaufort is None else f"wind {body.wind_beaufort} Bft",
        named("sea state", body.sea_state),
        named("visibility", tenths(body.visibility_decimiles, "NM")),
        named("helicopter", body.helicopter),
    )


def study(body: ImagingStudy) -> str:
    series = (f"{each.modality} {each.images} images" for each in body.series)
    return joined(
        body.description,
        moment(body.performed_s),
        "; ".join(series),
        f"{len(body.key_images)} key images",
        named("full set", body.full_set_at),
        None if body.full_set_bytes is None else f"{body.full_set_bytes} bytes",
        body.report,
        f"study {body.uid}",
    )


def media_request(body: MediaRequest) -> str:
    return joined(
        body.reason,
        choice_word(body.layer),
        region_words(body.region),
        body.how,
        None if body.media is None else f"of picture {body.media.hex()[:8]}",
        named("image", body.image_uid),
        named("urgency", choice_word(body.priority)),
    )


def region_words(region: PictureRegion | None) -> str | None:
    if region is None:
        return None
    return (
        f"region {region.width_permille} by {region.height_permille} at "
        f"{region.x_permille}, {region.y_permille} (thousandths)"
    )


def voice_advice(body: VoiceAdvice) -> str:
    orders = (
        joined(
            order.text,
            f'read back "{order.read_back}"' if order.read_back else "NOT READ BACK",
            named("agreed", yes_no(order.agreed)),
        )
        for order in body.orders
    )
    return joined(
        body.adviser,
        body.service,
        f"by {choice_word(body.means)}" if body.means else None,
        moment(body.spoken_s),
        body.advice,
        listed("orders by voice", orders),
        named("call again", moment(body.call_again_s)),
    )


def second_opinion(body: SecondOpinion) -> str:
    certainty = choice_word(body.certainty) if body.certainty else None
    return joined(choice_word(body.agreement), body.assessment, certainty, body.recommendation)


def moved(body: Moved) -> str:
    return f"belongs to case {body.case.hex()}, patient {body.patient.hex()}: {body.reason}"


def move_accepted(body: MoveAccepted) -> str:
    orders = "the orders go on here" if body.orders_go_on else "the orders are stopped"
    return joined(orders, body.remark)
