"""The reply headline: what to do first, whole orders only, in one satellite message."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.actors import Actor, Role
from protocol.basis import basis_of
from protocol.entry import SignedEntry, write_entry
from protocol.ids import ActorId, CaseId, PatientId
from protocol.micro import read_micro
from protocol.orders import Disposition, Evacuation, Order, PriorOrder, Reply
from protocol.records import NewRecord
from protocol.reply_headline import FIRST_ORDERS_MAX, ReplyHeadline
from protocol.stamps import Stamp
from sfhub.domain.reply_headline import SEALED_BYTES_MAX, reply_headline_of
from sync.envelope import enveloped_size_bytes
from tests.protocol.bodies import HIDDEN

KEY = Ed25519PrivateKey.from_private_bytes(b"h" * 32)
ASPIRIN = Order(
    number=1, name="Aspirin", strength="300 mg tablet", dose="300 mg", route="oral", frequency="once"
)
SPRAY = Order(
    number=2,
    name="Glyceryl trinitrate spray",
    dose="2 puffs",
    route="under the tongue",
    frequency="every 5 min, 3 times at most",
    details="Only while the systolic pressure is above 100.",
)


def signed(**fields: Any) -> SignedEntry:
    body = Reply(**{"basis": basis_of(()), "assessment": "Probable heart attack.", **fields})
    return write_entry(
        [NewRecord(Actor(name="Specialist on duty", role=Role.SPECIALIST)), NewRecord(body)],
        case_id=CaseId(b"case-one-1"),
        patient_id=PatientId(b"patient-11"),
        author=ActorId(b"doctor01"),
        stamp=Stamp(30, 1_760_000_000),
        key=KEY,
    )


def told(**fields: Any) -> ReplyHeadline:
    body: ReplyHeadline = read_micro(reply_headline_of(signed(**fields))).record.body
    return body


def test_a_short_reply_is_told_whole() -> None:
    headline = told(
        orders=(ASPIRIN, SPRAY),
        stop_rule="Stop if he faints.",
        recheck_every_min=15,
        evacuation=Evacuation.PREPARE,
    )
    assert [(order.number, order.name, order.dose) for order in headline.orders] == [
        (1, "Aspirin", "300 mg"),
        (2, "Glyceryl trinitrate spray", "2 puffs"),
    ]
    assert [order.details_follow for order in headline.orders] == [None, True]
    assert (headline.orders_follow, headline.stop_rule) == (None, "Stop if he faints.")
    assert (headline.recheck_every_min, headline.evacuation) == (15, Evacuation.PREPARE)
    assert headline.assessment == "Probable heart attack."


def test_an_order_to_be_read_back_says_that_there_is_more_to_read() -> None:
    morphine = Order(number=1, name="Morphine", dose="2.5 mg", route="IV", read_back=True)
    assert told(orders=(morphine,)).orders[0].details_follow


def test_orders_beyond_the_first_are_counted() -> None:
    orders = tuple(Order(number=n, name=f"drug {n}", dose="1 mg") for n in range(1, 10))
    headline = told(orders=orders)
    assert len(headline.orders) == FIRST_ORDERS_MAX
    assert headline.orders_follow == 9 - FIRST_ORDERS_MAX


def test_orders_that_a_reply_ends_are_counted() -> None:
    prior = tuple(
        PriorOrder(reply=bytes(16), order=n, disposition=what)
        for n, what in enumerate((Disposition.STOP, Disposition.CONTINUE, Disposition.REPLACE), start=1)
    )
    assert told(prior=prior).orders_ended == 2
    assert told(prior=prior[1:2]).orders_ended is None


def test_it_names_the_entry_that_signs_it_and_is_the_same_whenever_it_is_made() -> None:
    entry = signed(orders=(ASPIRIN,))
    micro = reply_headline_of(entry)
    assert read_micro(micro).is_covered_by([entry.entry_id])
    assert reply_headline_of(entry) == micro


LONG = st.text(
    st.characters(
        min_codepoint=33, max_codepoint=0x1F6FF, exclude_categories=("C", "Z"), exclude_characters=HIDDEN
    ),
    min_size=20,
)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_the_worst_reply_fits_and_no_order_is_cut(data: st.DataObject) -> None:
    def text() -> str:
        return data.draw(LONG).encode()[:110].decode(errors="ignore")

    orders = tuple(Order(number=n, name=text(), dose=text(), frequency=text()) for n in range(1, 4))
    entry = signed(orders=orders, stop_rule=text(), assessment=text(), recheck_every_min=15)
    micro = reply_headline_of(entry)
    assert enveloped_size_bytes(micro) <= SEALED_BYTES_MAX
    headline: ReplyHeadline = read_micro(micro).record.body
    for order, first in zip(orders, headline.orders, strict=False):
        assert (order.name, order.dose, order.frequency) == (first.name, first.dose, first.frequency)
    assert len(headline.orders) + (headline.orders_follow or 0) == len(orders)


@pytest.mark.parametrize(
    ("orders", "stop_rule"),
    [
        (
            (
                ASPIRIN,
                SPRAY,
                Order(number=3, name="Oxygen", dose="4 l/min", route="mask", frequency="below SpO2 94 %"),
            ),
            "No more spray if the pressure falls below 100 or he feels faint.",
        ),
        (
            (
                Order(number=1, name="아스피린", dose="300 mg", route="씹어서", frequency="한 번"),
                Order(number=2, name="산소", dose="4 l/min", route="마스크", frequency="94 % 미만일 때"),
            ),
            "혈압이 100 아래로 떨어지면 중단",
        ),
    ],
    ids=["en", "ko"],
)
def test_a_usual_reply_fits_with_all_its_orders_and_its_stop_rule(
    orders: tuple[Order, ...], stop_rule: str
) -> None:
    micro = reply_headline_of(signed(orders=orders, stop_rule=stop_rule, recheck_every_min=15))
    body: ReplyHeadline = read_micro(micro).record.body
    assert (len(body.orders), body.stop_rule) == (len(orders), stop_rule)
    assert enveloped_size_bytes(micro) <= 200
