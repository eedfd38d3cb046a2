"""What a clinician should look at once more before a reply goes; a caution never stops anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from protocol.clinical import Vitals
from protocol.orders import Capability, Quantity, Reply

from .case_file import CaseFile
from .measures import MEASURES

WORD_LETTERS_MIN: Final = 4
"""Shorter words of an allergy ("to", "and") would be found in every order."""

_FIELD_OF: Final[Mapping[Quantity, str]] = {
    Quantity.HEART_RATE: "heart_rate_min",
    Quantity.RESPIRATORY_RATE: "respiratory_rate_min",
    Quantity.SPO2: "spo2_percent",
    Quantity.SYSTOLIC: "systolic_mmhg",
    Quantity.DIASTOLIC: "diastolic_mmhg",
    Quantity.TEMPERATURE: "temperature_decicelsius",
    Quantity.GLASGOW_COMA: "glasgow_coma",
    Quantity.PAIN: "pain",
    Quantity.GLUCOSE: "glucose_decimmol_l",
}
_DEVICE_OF: Final[Mapping[Quantity, tuple[str, ...]]] = {
    Quantity.SPO2: ("oximet", "spo2"),
    Quantity.SYSTOLIC: ("pressure", "sphyg"),
    Quantity.DIASTOLIC: ("pressure", "sphyg"),
    Quantity.TEMPERATURE: ("thermom",),
    Quantity.GLUCOSE: ("glucom", "glucos"),
}
"""Parts of the names of what measures it; a quantity that is not here needs no device."""


def cautions(reply: Reply, file: CaseFile, capability: Capability | None) -> tuple[str, ...]:
    """Sentences, most dangerous first; empty when there is nothing to say."""
    return (
        *_allergies(reply, file),
        *_not_aboard(reply, capability),
        *_not_measured(reply, file, capability),
    )


def _allergies(reply: Reply, file: CaseFile) -> Iterable[str]:
    stated = [allergy for record in file.state.patients for allergy in record.body.allergies]
    if file.headline:
        stated += file.headline.allergies
    for order in reply.orders:
        for allergy in dict.fromkeys(stated):
            words = [word for word in allergy.casefold().split() if len(word) >= WORD_LETTERS_MIN]
            if any(word.strip(".,;()") in order.name.casefold() for word in words):
                yield f"Order {order.number} is {order.name}, and the patient is allergic to {allergy}."


def _not_aboard(reply: Reply, capability: Capability | None) -> Iterable[str]:
    """Something typed freely that has the very name of a thing on the list."""
    listed = {item.name.casefold(): item for item in (capability.items if capability else ())}
    for order in reply.orders:
        item = listed.get(order.name.casefold())
        if order.item is None and item is not None:
            yield (
                f"Order {order.number}: {order.name} is aboard as item {item.item}. "
                "Picked from the list, the site checks its strength."
            )
        if order.item is not None:
            stock = next((item for item in listed.values() if item.item == order.item), None)
            if stock is not None and stock.quantity == 0:
                yield f"Order {order.number}: the list says that no {order.name} is left."


def _not_measured(reply: Reply, file: CaseFile, capability: Capability | None) -> Iterable[str]:
    measured: list[Vitals] = [record.body for record in file.state.vitals]
    if file.headline and file.headline.vitals:
        measured.append(file.headline.vitals)
    names = [item.name.casefold() for item in (capability.items if capability else ())]
    for rule in reply.contingencies:
        devices = _DEVICE_OF.get(rule.quantity, ())
        known = any(getattr(vitals, _FIELD_OF[rule.quantity]) is not None for vitals in measured)
        if devices and not known and not any(part in name for part in devices for name in names):
            yield (
                f"Contingency {rule.number} watches {MEASURES[rule.quantity].word}, which the site has never "
                "measured, and its list names nothing to measure it with."
            )
