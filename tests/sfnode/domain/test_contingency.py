"""What crosses a threshold, and what does not."""

from __future__ import annotations

import pytest

from protocol.clinical import Closed
from protocol.orders import Comparison, Contingency, OrderStopped, Quantity
from protocol.records import NewRecord, Reference, Relation
from sfnode.domain.contingency import arrival_alarms, crossing_alarms, crossings, state_text
from sfnode.domain.plan import Surroundings, current_plan
from tests.sfnode.domain.chart import NOW_S, Chart, about


def below(
    threshold: int,
    quantity: Quantity = Quantity.SPO2,
    *,
    confirm_reading: bool = False,
    order: int | None = None,
) -> Contingency:
    return Contingency(
        number=1,
        quantity=quantity,
        comparison=Comparison.BELOW,
        threshold=threshold,
        then="give oxygen 10 l/min",
        confirm_reading=confirm_reading,
        order=order,
    )


def above(threshold: int, quantity: Quantity) -> Contingency:
    return Contingency(
        number=1, quantity=quantity, comparison=Comparison.ABOVE, threshold=threshold, then="cool the patient"
    )


def watched(contingency: Contingency, *values: int | None, field: str = "spo2_percent") -> list[str]:
    """Alarm texts after these readings, one minute apart, under a reply that has seen none of them."""
    chart = Chart()
    chart.reply(contingencies=(contingency,))
    for value in values:
        chart.pass_time(60)
        chart.vitals(**{field: value, "pain": 1})
    return [alarm.text for alarm in crossing_alarms(chart.file())]


def test_a_reading_beyond_the_threshold_alarms_with_its_order() -> None:
    assert watched(below(90, order=3), 84) == [
        'SpO2 84 % crossed "below 90 %": give oxygen 10 l/min (order 3)'
    ]


@pytest.mark.parametrize(("value", "alarms"), [(89, 1), (90, 0), (91, 0), (None, 0)])
def test_the_threshold_itself_and_a_missing_value_do_not_cross_below(value: int | None, alarms: int) -> None:
    assert len(watched(below(90), value)) == alarms


@pytest.mark.parametrize(("value", "alarms"), [(386, 1), (385, 0), (384, 0), (None, 0)])
def test_nor_above(value: int | None, alarms: int) -> None:
    found = watched(above(385, Quantity.TEMPERATURE), value, field="temperature_decicelsius")
    assert len(found) == alarms


def test_zero_is_a_value() -> None:
    assert len(watched(below(1, Quantity.SYSTOLIC), 0, field="systolic_mmhg")) == 1


@pytest.mark.parametrize(
    ("quantity", "field", "value", "words"),
    [
        (Quantity.HEART_RATE, "heart_rate_min", 131, 'heart rate 131 /min crossed "above 100 /min"'),
        (
            Quantity.RESPIRATORY_RATE,
            "respiratory_rate_min",
            131,
            'respiratory rate 131 /min crossed "above 100 /min"',
        ),
        (Quantity.SYSTOLIC, "systolic_mmhg", 131, 'systolic pressure 131 mmHg crossed "above 100 mmHg"'),
        (Quantity.DIASTOLIC, "diastolic_mmhg", 131, 'diastolic pressure 131 mmHg crossed "above 100 mmHg"'),
        (Quantity.TEMPERATURE, "temperature_decicelsius", 131, 'temperature 13.1 °C crossed "above 10.0 °C"'),
        (Quantity.GLUCOSE, "glucose_decimmol_l", 131, 'glucose 13.1 mmol/l crossed "above 10.0 mmol/l"'),
    ],
)
def test_units_are_those_of_the_field(quantity: Quantity, field: str, value: int, words: str) -> None:
    assert watched(above(100, quantity), value, field=field) == [f"{words}: cool the patient"]


def test_scores_have_no_unit() -> None:
    words = watched(below(9, Quantity.GLASGOW_COMA), 8, field="glasgow_coma")
    assert words == ['Glasgow coma score 8 crossed "below 9": give oxygen 10 l/min']


@pytest.mark.parametrize(
    ("values", "alarms"),
    [
        ((84,), 0),
        ((84, 95, 84), 0),
        ((84, 83), 1),
        # A set without the value neither confirms nor interrupts.
        ((84, None, 83), 1),
        ((84, 83, 82), 1),
        ((84, 83, 95, 84, 83), 2),
    ],
)
def test_a_confirmed_reading_needs_two_in_a_row(values: tuple[int | None, ...], alarms: int) -> None:
    assert len(watched(below(90, confirm_reading=True), *values)) == alarms


def test_one_run_is_one_alarm_and_the_next_run_another() -> None:
    assert len(watched(below(90), 84, 83, 82)) == 1
    assert len(watched(below(90), 84, 95, 84)) == 2


def test_readings_that_the_author_had_seen_do_not_alarm() -> None:
    chart = Chart()
    chart.vitals(spo2_percent=84)
    chart.reply(contingencies=(below(90),))
    assert crossing_alarms(chart.file()) == ()
    chart.vitals(spo2_percent=83)
    assert len(crossing_alarms(chart.file())) == 1


def test_two_in_a_row_may_begin_with_one_that_the_author_had_seen() -> None:
    chart = Chart()
    chart.vitals(spo2_percent=84)
    chart.reply(contingencies=(below(90, confirm_reading=True),))
    chart.pass_time(60)
    chart.vitals(spo2_percent=83)
    assert len(crossing_alarms(chart.file())) == 1


def test_all_readings_count_when_nobody_can_tell_which_the_author_lacked() -> None:
    chart = Chart()
    early = chart.basis()
    chart.vitals(spo2_percent=84)
    late = chart.basis()
    # The author names the newest counter, but holds only what was there before.
    holey = type(late)(counter=late.counter, count=early.count, digest=early.digest)
    chart.reply(contingencies=(below(90),), basis=holey)
    assert len(crossing_alarms(chart.file())) == 1


def test_a_superseded_reply_and_a_closed_case_watch_nothing() -> None:
    chart = Chart()
    first = chart.reply(contingencies=(below(90),))
    chart.reply(refs=(Reference(Relation.SUPERSEDES, first.record_id),))
    chart.vitals(spo2_percent=84)
    assert crossing_alarms(chart.file()) == ()
    other = Chart()
    other.reply(contingencies=(below(90),))
    other.site(Closed(outcome="went ashore"))
    other.vitals(spo2_percent=84)
    assert crossing_alarms(other.file()) == ()


def test_the_plan_says_what_is_watched_and_what_crossed() -> None:
    chart = Chart()
    reply = chart.reply(contingencies=(below(90),))
    around = Surroundings(now=chart.now, capability=None)
    view = current_plan(chart.file(), around).replies[0].contingencies[0]
    assert (view.text, view.watched) == ("if SpO2 below 90 %: give oxygen 10 l/min", True)
    assert view.state == "watched only when values are entered"
    chart.pass_time(1_800)
    chart.vitals(spo2_percent=84)
    found = crossings(reply, below(90), chart.file())
    assert state_text(found, below(90), NOW_S) == "CROSSED 21:30Z: SpO2 84 %"
    chart.pass_time(1_800)
    chart.vitals(spo2_percent=95)
    found = crossings(reply, below(90), chart.file())
    assert state_text(found, below(90), NOW_S) == "CROSSED 21:30Z: SpO2 84 %; since 22:00Z: SpO2 95 %"


def test_a_stopped_order_is_shouted() -> None:
    chart = Chart()
    reply = chart.reply()
    stop = NewRecord(OrderStopped(order=2, reason="wrong patient's weight"), (about(reply),))
    chart.hub(stop)
    assert [alarm.text for alarm in arrival_alarms(chart.file())] == [
        "STOP order 2, 21:00Z: wrong patient's weight"
    ]
