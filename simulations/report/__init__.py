"""What a simulated run came to: its results as data, and the page that people read."""

from .results import (
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
