"""Templates: shipped data that keeps its format's rules, and what a case still lacks of them."""

from __future__ import annotations

import pytest

from protocol.clinical import AllergyState, Note, Sex
from sfnode.domain.completeness import answers_note, missing_fields, missing_for_sending
from sfnode.domain.intake import new_case
from sfnode.domain.templates import (
    REQUIRED_MAX,
    Template,
    TemplateBroken,
    find_template,
    parse_template,
    site_templates,
)
from sfnode.errors import NotFound, ValueRefused
from tests.sfnode.domain.chart import Chart

FIELD = '[[fields]]\nkey = "a{n}"\nlabel = "A{n}"\nkind = "text"\n'
HEAD = 'name = "x"\ntitle = "X"\nversion = 1\nsource = "made up"\n'


def test_the_three_forms_that_come_with_it() -> None:
    assert [template.name for template in site_templates()] == ["chest-pain", "general", "injury"]


@pytest.mark.parametrize("template", site_templates(), ids=lambda template: template.name)
def test_each_says_where_it_comes_from_and_asks_for_few_things(template: Template) -> None:
    assert "Needs a clinician's review" in template.source
    assert 1 <= sum(field.required for field in template.fields) <= REQUIRED_MAX


def test_an_unknown_form_names_those_there_are() -> None:
    with pytest.raises(NotFound, match="chest-pain, general, injury"):
        find_template("dental")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "not TOML"),
        (HEAD, "name, title, version, source and fields"),
        (HEAD + '[[fields]]\nkey = "a"\nlabel = "A"\nkind = "colour"\n', "key, label and kind"),
        (HEAD + FIELD.format(n=1) + FIELD.format(n=1), "given twice"),
        (HEAD + "".join(FIELD.format(n=n) + "required = true\n" for n in range(8)), "more than 7"),
        (HEAD + FIELD.format(n=1) + 'choices = ["b"]\n', "lists its choices"),
        (HEAD + FIELD.format(n=1) + "required = 1\n", "key, label and kind"),
    ],
)
def test_a_broken_form_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(TemplateBroken, match=words):
        parse_template(text)


def test_what_sending_needs_goes_away_as_it_is_answered() -> None:
    template = find_template("chest-pain")
    chart = Chart()
    assert missing_for_sending(chart.file(), template) == (
        "Sex",
        "Allergies (or none known)",
        "A set of vital signs",
    )
    chart = Chart(sex=Sex.FEMALE, allergy_state=AllergyState.NONE_KNOWN)
    chart.vitals(spo2_percent=96)
    assert missing_for_sending(chart.file(), template) == ()


def test_answers_in_words_become_lines_of_a_note() -> None:
    template = find_template("chest-pain")
    note = answers_note(template, [("radiation", "left\narm"), ("character", "pressing")])
    assert note == "Character: pressing\nRadiation: left arm"
    assert answers_note(template, []) is None
    chart = Chart()
    before = {field.key for field in missing_fields(chart.file(), template)}
    chart.site(Note(language="en", text=note))
    after = {field.key for field in missing_fields(chart.file(), template)}
    assert before - after == {"radiation", "character"}


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"colour": "red"}, "no field 'colour'"),
        ({"allergies": "none"}, "no field 'allergies'"),
        ({"ecg": "done"}, "no field 'ecg'"),
        ({"character": "odd"}, "pressing, burning"),
    ],
)
def test_answers_to_what_the_form_does_not_ask_are_refused(answers: dict[str, str], words: str) -> None:
    fields = {
        "template": "chest-pain",
        "urgency": "urgent",
        "complaint": "c",
        "question": "q",
        "patient_code": "P",
    }
    case = new_case(fields | {"answers": answers})
    with pytest.raises(ValueRefused, match=words):
        answers_note(find_template(case.template), case.answers)
