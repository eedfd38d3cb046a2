"""The composer: what was typed becomes the reply exactly, or a problem that names its field."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.orders import (
    Basis,
    Capability,
    CapabilityItem,
    Certainty,
    Comparison,
    Evacuation,
    Quantity,
    Reply,
)
from sfhub.domain.composer import compose
from sfhub.errors import ReplyIncomplete

BASIS = Basis(counter=1, count=1, digest=bytes(8))
LIST = Capability(version=3, items=(CapabilityItem(item=7, name="aspirin", strength="300 mg", quantity=40),))


def composed(values: dict[str, Any], capability: Capability | None = LIST) -> Reply:
    return compose({"assessment": "Rest."} | values, basis=BASIS, prior=(), capability=capability)


def problems(values: dict[str, Any], capability: Capability | None = LIST) -> dict[str, str]:
    with pytest.raises(ReplyIncomplete) as refused:
        composed(values, capability)
    return {problem.field: problem.sentence for problem in refused.value.problems}


def test_every_field_arrives() -> None:
    reply = composed(
        {
            "assessment": " ACS \r\n likely\u00a0now ",
            "certainty": "probable",
            "orders": [
                {"item": 7, "dose": "300 mg"},
                {"name": "saline", "route": "IV", "details": "1 h", "frequency": "once"},
            ],
            "contingencies": [
                {
                    "quantity": "temperature",
                    "above": 38.5,
                    "then": "cool",
                    "order": 2,
                    "confirm_reading": True,
                }
            ],
            "recheck_every_min": "15",
            "stop_rule": "stop",
            "evacuation": "now",
            "valid_for_min": 360,
            "follow_up": "tomorrow",
        }
    )
    assert reply.assessment == "ACS \n likely now"
    assert reply.certainty is Certainty.PROBABLE
    assert [order.number for order in reply.orders] == [1, 2]
    assert (reply.orders[0].name, reply.orders[0].strength, reply.orders[0].list_version) == (
        "aspirin",
        "300 mg",
        3,
    )
    assert reply.orders[1].read_back  # Into a vein: always.
    (rule,) = reply.contingencies
    assert (rule.quantity, rule.comparison, rule.threshold) == (
        Quantity.TEMPERATURE,
        Comparison.ABOVE,
        385,
    )
    assert (rule.order, rule.confirm_reading) == (2, True)
    assert (reply.recheck_every_min, reply.valid_for_min) == (15, 360)
    assert reply.evacuation is Evacuation.NOW


def test_a_missing_assessment_is_named() -> None:
    assert problems({"assessment": ""}) == {"assessment": "The assessment is missing."}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"orders": [{"dose": "5 mg"}]}, "orders.1.name", "what to give or do is missing"),
        ({"orders": [{"item": 8}]}, "orders.1.item", "not on list 3"),
        ({"orders": [{"item": 7, "strength": "75 mg"}]}, "orders.1.strength", "you wrote 75 mg"),
        ({"orders": [{"item": 7, "name": "ibuprofen"}]}, "orders.1.name", "you wrote ibuprofen"),
        ({"orders": [{}, {"name": "x"}]}, "orders.1", "Row 1 of the orders is empty"),
        ({"orders": "aspirin"}, "orders", "must be a list"),
        ({"orders": [{"name": "x", "dosis": "5"}]}, "orders.1.dosis", "There is no field orders.1.dosis"),
        ({"contingencies": [{"then": "x", "below": 1}]}, "contingencies.1.quantity", "choose what"),
        ({"contingencies": [{"quantity": "spo2", "then": "x"}]}, "contingencies.1.below", "one limit"),
        (
            {"contingencies": [{"quantity": "spo2", "then": "x", "below": 90, "above": 95}]},
            "contingencies.1.below",
            "one limit",
        ),
        (
            {"contingencies": [{"quantity": "spo2", "below": 90.5, "then": "x"}]},
            "contingencies.1.below",
            "steps",
        ),
        (
            {"contingencies": [{"quantity": "spo2", "below": "low", "then": "x"}]},
            "contingencies.1.below",
            "number",
        ),
        (
            {"contingencies": [{"quantity": "spo2", "below": "NaN", "then": "x"}]},
            "contingencies.1.below",
            "steps",
        ),
        ({"contingencies": [{"quantity": "spo2", "below": 90}]}, "contingencies.1.then", "missing"),
        (
            {"contingencies": [{"quantity": "spo2", "below": 90, "then": "x", "order": 1}]},
            "contingencies.1.order",
            "no order 1",
        ),
        ({"recheck_every_min": "soon"}, "recheck_every_min", "whole number"),
        ({"certainty": "sure"}, "certainty", "must be one of"),
        ({"evacuation": True}, "evacuation", "must be text"),
        ({"asessment": "x"}, "asessment", "There is no field asessment"),
        ({"stop_rule": "a\u202eb"}, "", "U+202E"),
        ({"assessment": "x" * 4001}, "", "longer than 4000"),
        ({"orders": [{"name": f"order {n}"} for n in range(25)]}, "orders", "up to 24 orders"),
    ],
)
def test_what_cannot_be_used_as_typed_is_named(values: dict[str, Any], field: str, words: str) -> None:
    found = problems(values)
    assert words in found[field]


def test_every_problem_is_named_at_once() -> None:
    assert set(problems({"assessment": "", "certainty": "x", "orders": [{"dose": "1"}]})) == {
        "assessment",
        "certainty",
        "orders.1.name",
    }


def test_without_a_list_nothing_can_be_picked_from_it() -> None:
    assert "has sent none" in problems({"orders": [{"item": 7}]}, capability=None)["orders.1.item"]


def test_an_empty_row_at_the_end_is_no_order() -> None:
    assert len(composed({"orders": [{"name": "x", "dose": ""}, {"name": "", "read_back": ""}]}).orders) == 1


_TYPED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "item", "quantity", "below", "then", "order", "dose"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["assessment", "orders", "contingencies", "certainty", "valid_for_min", "x"]), _TYPED
    )
)
def test_nothing_typed_does_anything_but_compose_or_complain(values: dict[str, Any]) -> None:
    with suppress(ReplyIncomplete):
        assert compose(values, basis=BASIS, prior=(), capability=LIST).assessment
