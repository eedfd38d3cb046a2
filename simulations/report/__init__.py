"""What a simulated run came to: its results as data, and the page that people read."""

from .results import (
    EVENT_MODE,
    WHOLE_STACK,
    AlarmRow,
    CaseRow,
    DeliveryRow,
    QueueRow,
    ResultsError,
    RunResults,
    SiteRow,
    ViolationRow,
    load_results,
    save_results,
)

__all__ = [
    "EVENT_MODE",
    "WHOLE_STACK",
    "AlarmRow",
    "CaseRow",
    "DeliveryRow",
    "QueueRow",
    "ResultsError",
    "RunResults",
    "SiteRow",
    "ViolationRow",
    "load_results",
    "save_results",
]
