"""Aboard first: what the list says of an order, by item and by words."""

from __future__ import annotations

from protocol.orders import Capability, CapabilityItem, Order
from sfnode.domain.aboard import check_aboard, current_list
from tests.sfnode.domain.chart import Chart

LIST = Capability(
    version=3,
    items=(
        CapabilityItem(
            item=1, name="Aspirin", strength="300 mg", form="tablet", quantity=40, expires="2027-03"
        ),
        CapabilityItem(item=2, name="Morphine", strength="10 mg/ml", quantity=0),
        CapabilityItem(item=3, name="Oxygen", quantity=2),
    ),
)


def test_an_item_that_is_there() -> None:
    order = Order(number=1, name="aspirin", strength="300 MG", item=1, list_version=3, dose="300 mg")
    assert check_aboard(order, LIST).text == "aboard: 40 of list 3, expires 2027-03"
    assert not check_aboard(order, LIST).contradicts


def test_an_item_that_is_used_up_or_not_there() -> None:
    assert check_aboard(Order(number=1, name="morphine", strength="10 mg/ml", item=2), LIST).text.startswith(
        "NONE LEFT"
    )
    missing = check_aboard(Order(number=1, name="Heparin", item=9, list_version=2), LIST)
    assert missing.text == "NOT ON LIST 3: ask, substitute, or next port"


def test_words_that_are_another_things_stop_it() -> None:
    found = check_aboard(Order(number=1, name="Morphine", strength="10 mg/ml", item=1, list_version=3), LIST)
    assert found.contradicts
    assert "item 1 of list 3 is Aspirin 300 mg tablet" in found.text
    changed = check_aboard(
        Order(number=1, name="Morphine", strength="10 mg/ml", item=1, list_version=2), LIST
    )
    assert changed.text.startswith("list changed since 2: item 1 of list 3 is Aspirin")
    assert changed.contradicts


def test_an_older_list_does_not_matter_while_the_words_agree() -> None:
    order = Order(number=1, name="Aspirin", strength="300 mg", item=1, list_version=1)
    assert check_aboard(order, LIST).text.startswith("aboard: 40 of list 3")


def test_another_strength_is_another_thing() -> None:
    assert check_aboard(
        Order(number=1, name="Aspirin", strength="100 mg", item=1, list_version=3), LIST
    ).contradicts
    by_name = check_aboard(Order(number=1, name="Aspirin", strength="100 mg", dose="1 tablet"), LIST)
    assert by_name.text == "list 3 has Aspirin 300 mg tablet: ask before using another strength"


def test_drugs_outside_the_list_and_acts() -> None:
    assert check_aboard(Order(number=1, name="Heparin", dose="5000 units"), LIST).text.startswith(
        "NOT ON LIST 3"
    )
    assert check_aboard(Order(number=1, name="Oxygen", dose="10 l/min"), LIST).text == "aboard: 2 of list 3"
    assert check_aboard(Order(number=1, name="Keep lying down"), LIST).text == ""


def test_without_a_list_nothing_is_promised() -> None:
    assert check_aboard(Order(number=1, name="Heparin", dose="5000 units"), None).text.startswith(
        "NO LIST HERE"
    )
    assert check_aboard(Order(number=1, name="Aspirin", item=1), None).text.startswith("NO LIST HERE")
    assert check_aboard(Order(number=1, name="Keep lying down"), None).text == ""


def test_the_highest_version_is_the_list_whatever_came_last() -> None:
    chart = Chart()
    assert current_list(None) is None
    assert current_list(chart.file()) is None
    chart.site(LIST)
    chart.site(Capability(version=2))
    assert current_list(chart.file()) == LIST
