"""The headline says the most that fits, and never less than it seems to say."""

from __future__ import annotations

from protocol.clinical import AllergyState, Headline, Sex, Treatment
from protocol.codec import encode
from protocol.schema import encode_fields
from protocol.voyage import Port, Position
from sfnode.domain.headline import compose_headline
from tests.sfnode.domain.chart import NOW_S, Chart


def composed(chart: Chart, bytes_max: int) -> Headline:
    return compose_headline(
        chart.file(sent=False),
        lambda headline: len(encode(encode_fields(headline))) <= bytes_max,
        now_s=NOW_S,
    )


def busy() -> Chart:
    chart = Chart(
        sex=Sex.MALE,
        weight_hg=825,
        allergy_state=AllergyState.LISTED,
        allergies=("penicillin", "latex", "iodine"),
    )
    chart.vitals(spo2_percent=91, heart_rate_min=118, respiratory_rate_min=24)
    for number in range(6):
        chart.site(Treatment(given_s=1, what=f"drug {number}", dose="10 mg"))
    return chart


def test_with_room_it_says_everything() -> None:
    headline = composed(busy(), 1_000)
    assert (headline.complaint, headline.question) == ("chest pain", "What now?")
    assert headline.allergies == ("penicillin", "latex", "iodine")
    assert (headline.news2, headline.news2_missing) == (7, 4)
    assert headline.vitals is not None
    assert headline.treatments == ("drug 3 10 mg", "drug 4 10 mg", "drug 5 10 mg", "+3 more")


def test_with_less_room_the_question_outlasts_the_treatments() -> None:
    versions = []
    for size in range(300, 60, -5):
        try:
            versions.append(composed(busy(), size))
        except ValueError:
            break
    assert len(versions) > 10
    assert all(each.question == "What now?" for each in versions)
    names = ("penicillin", "latex", "iodine")
    told = ("drug 3 10 mg", "drug 4 10 mg", "drug 5 10 mg", "+3 more")
    assert all(each.allergies == names for each in versions if each.treatments == told)
    assert any(each.allergies == names and each.treatments == ("6 listed",) for each in versions)
    assert any(each.allergies == ("iodine", "+2 more") for each in versions)
    least = versions[-1]
    assert (least.allergies, least.allergy_state) == ((), AllergyState.LISTED)
    assert (least.treatments, least.question) == (("6 listed",), "What now?")
    assert all(each.vitals is not None and each.complaint == "chest pain" for each in versions)


def test_a_long_question_is_shortened_last_of_all_texts() -> None:
    question = "Is this a heart attack, may I give the spray with this pressure, and do we divert now?"
    chart = Chart(question=question)
    lengths = [len(composed(chart, size).question or "") for size in range(300, 80, -5)]
    assert lengths[0] == len(question)
    assert min(lengths) >= 30


def test_it_tells_where_the_patient_is_and_when_help_can_be_reached() -> None:
    chart = Chart()
    ports = (Port(name="near", reach_min=200), Port(name="far", reach_min=900))
    chart.site(
        Position(
            observed_s=NOW_S - 30 * 60,
            latitude_tenthousandths=351_849,
            longitude_tenthousandths=-1_290_751,
            arrival_s=NOW_S + 86_400,
            ports=ports,
        )
    )
    headline = composed(chart, 1_000)
    assert (headline.latitude_centidegrees, headline.longitude_centidegrees) == (3_518, -12_908)
    assert headline.eta_min == 170


def test_a_port_of_call_is_told_when_no_nearer_help_was_named() -> None:
    chart = Chart()
    chart.site(Position(observed_s=NOW_S, arrival_s=NOW_S + 3_601))
    headline = composed(chart, 1_000)
    assert (headline.latitude_centidegrees, headline.eta_min) == (None, 61)
    assert composed(Chart(), 1_000).eta_min is None


def test_an_allergy_list_is_whole_or_counted() -> None:
    chart = Chart(allergy_state=AllergyState.LISTED, allergies=tuple(f"drug {n}" for n in range(9)))
    assert composed(chart, 1_000).allergies == ("drug 6", "drug 7", "drug 8", "+6 more")


def test_a_case_without_vitals_has_no_score() -> None:
    headline = composed(Chart(), 1_000)
    assert (headline.vitals, headline.news2, headline.news2_missing) == (None, None, None)


def test_the_latest_set_by_observation_is_told() -> None:
    chart = Chart()
    chart.vitals(spo2_percent=91)
    chart.vitals(spo2_percent=97, observed_s=chart.now.wall_s - 3_600)
    headline = composed(chart, 1_000)
    assert headline.vitals is not None
    assert headline.vitals.spo2_percent == 91
