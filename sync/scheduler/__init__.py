"""Whom to dial over which link, when and at what price: pure policy; a dial's patience is `dialling`."""

from .decisions import Decision, Dial, Held, HeldBy
from .estimate import CONTACTS_MIN, Forecast, Measured, forecast, look
from .policy import ask, ask_instead, between_looks_s, decide
from .retry import FRESH, RETRY_RULE, Attempts, RetryRule
from .situation import Backlog, Current, LinkNow, PairNow
from .spending import NOTHING_SPENT, DayCount, Tick, as_noted, counted, should_note
from .tariff import Tariff
from .terms import UNLIMITED, Allowance, LinkCap, LinkMode, LinkTerms

__all__ = [
    "CONTACTS_MIN",
    "FRESH",
    "NOTHING_SPENT",
    "RETRY_RULE",
    "UNLIMITED",
    "Allowance",
    "Attempts",
    "Backlog",
    "Current",
    "DayCount",
    "Decision",
    "Dial",
    "Forecast",
    "Held",
    "HeldBy",
    "LinkCap",
    "LinkMode",
    "LinkNow",
    "LinkTerms",
    "Measured",
    "PairNow",
    "RetryRule",
    "Tariff",
    "Tick",
    "as_noted",
    "ask",
    "ask_instead",
    "between_looks_s",
    "counted",
    "decide",
    "forecast",
    "look",
    "should_note",
]
