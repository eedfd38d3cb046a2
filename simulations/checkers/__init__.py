"""The laws of the product as checkers of simulated worlds, one class a property; re-exports them."""

from .checker import Checker, Court, PropertyViolated
from .custody import (
    AcknowledgedIsDurable,
    CustodyIsNeverLost,
    DeliveredOnce,
    EverythingArrives,
    FiledPicturesOpen,
    NothingUnforeseen,
    SafeIsBackedUp,
)
from .entry import OnlyTheInvitedEnter
from .patients import EndedOrdersStayEnded, RightPatient
from .urgency import CapsAreKept, MostUrgentFirst, NobodyStarves

__all__ = [
    "AcknowledgedIsDurable",
    "CapsAreKept",
    "Checker",
    "Court",
    "CustodyIsNeverLost",
    "DeliveredOnce",
    "EndedOrdersStayEnded",
    "EverythingArrives",
    "FiledPicturesOpen",
    "MostUrgentFirst",
    "NobodyStarves",
    "NothingUnforeseen",
    "OnlyTheInvitedEnter",
    "PropertyViolated",
    "RightPatient",
    "SafeIsBackedUp",
]
