"""What is aboard, by whole lists and by changes of lists: a change counts on the very list it names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.orders import CAPABILITY_ITEMS_MAX, Capability, CapabilityItem
from protocol.station import CapabilityDelta, capability_now

ASPIRIN = CapabilityItem(item=1, name="aspirin", strength="300 mg", quantity=40)
OXYGEN = CapabilityItem(item=2, name="oxygen", quantity=2)
LIST = Capability(version=3, items=(ASPIRIN, OXYGEN))
FEWER = CapabilityItem(item=1, name="aspirin", strength="300 mg", quantity=38)
USED = CapabilityDelta(base_version=3, version=4, changed=(FEWER,))
EMPTY = CapabilityDelta(base_version=4, version=5, removed=(2,))


def test_changes_lead_from_list_to_list() -> None:
    assert capability_now([]) is None
    assert capability_now([LIST]) == LIST
    assert capability_now([LIST, USED]) == Capability(version=4, items=(FEWER, OXYGEN))
    assert capability_now([LIST, USED, EMPTY]) == Capability(version=5, items=(FEWER,))


@given(st.permutations([LIST, USED, EMPTY]))
def test_the_order_in_which_they_come_changes_nothing(
    stated: list[Capability | CapabilityDelta],
) -> None:
    assert capability_now(stated) == Capability(version=5, items=(FEWER,))


def test_a_change_of_a_list_that_is_not_here_waits() -> None:
    assert capability_now([USED]) is None
    assert capability_now([LIST, EMPTY]) == LIST


def test_a_whole_list_counts_before_what_changes_lead_to() -> None:
    counted = Capability(version=4, items=(ASPIRIN,))
    assert capability_now([LIST, counted, USED]) == counted
    assert capability_now([LIST, counted, USED, EMPTY]) == Capability(version=5, items=(ASPIRIN,))


def test_of_two_lists_of_one_version_the_later_counts() -> None:
    other = Capability(version=3, items=(OXYGEN,))
    assert capability_now([LIST, other]) == other
    assert capability_now([other, LIST]) == LIST


def test_no_change_goes_back_or_makes_a_list_too_long() -> None:
    back = CapabilityDelta(base_version=3, version=3, removed=(1,))
    assert back.applied_to(LIST) is None
    full = Capability(
        version=1,
        items=tuple(CapabilityItem(item=n, name="x") for n in range(1, CAPABILITY_ITEMS_MAX + 1)),
    )
    more = CapabilityItem(item=CAPABILITY_ITEMS_MAX + 1, name="one more")
    assert CapabilityDelta(base_version=1, version=2, changed=(more,)).applied_to(full) is None
    swapped = CapabilityDelta(base_version=1, version=2, changed=(more,), removed=(1,)).applied_to(full)
    assert swapped is not None
    assert len(swapped.items) == CAPABILITY_ITEMS_MAX
