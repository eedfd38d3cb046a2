"""The headline says the most that fits, and never less than it seems to say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.clinical import AllergyState, Headline, Sex, Treatment
from protocol.codec import encode
from protocol.schema import encode_fields
from sfnode.domain.headline import compose_headline, shorten
from tests.sfnode.domain.chart import Chart


def composed(chart: Chart, bytes_max: int) -> Headline:
    return compose_headline(
        chart.file(sent=False), lambda headline: len(encode(encode_fields(headline))) <= bytes_max
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


def test_with_less_room_allergies_and_treatment_outlast_the_question() -> None:
    versions = []
    for size in range(300, 60, -5):
        try:
            versions.append(composed(busy(), size))
        except ValueError:
            break
    assert len(versions) > 10
    names = ("penicillin", "latex", "iodine")
    assert all(each.allergies == names for each in versions if each.question is not None)
    assert any(each.allergies == names and each.question is None for each in versions)
    assert any(each.allergies == ("iodine", "+2 more") for each in versions)
    least = versions[-1]
    assert (least.allergies, least.allergy_state) == ((), AllergyState.LISTED)
    assert (least.treatments, least.question) == (("6 listed",), None)
    assert all(each.vitals is not None and each.complaint == "chest pain" for each in versions)


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


def test_texts_are_cut_at_words_and_say_so() -> None:
    assert shorten("crushing chest pain", 40) == "crushing chest pain"
    assert shorten("crushing chest pain since two", 23) == "crushing chest pain ..."
    assert shorten("crushing chest pain since two", 22) == "crushing chest ..."
    assert shorten("가슴이답답하고숨이찹니다", 20) == "가슴이답답 ..."
    assert shorten("one\n two", 40) == "one two"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" ")), st.integers(8, 130)
)
def test_a_shortened_text_fits_and_ends_in_dots(text: str, bytes_max: int) -> None:
    short = shorten(text, bytes_max)
    assert len(short.encode()) <= bytes_max
    whole = " ".join(text.split())
    assert short == whole or (short.endswith("...") and whole.startswith(short.removesuffix("...").rstrip()))
