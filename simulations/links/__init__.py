"""Links as data and as pure models of one direction; re-exports the public names."""

from .catalogue import (
    DEFAULT_PROFILE,
    load_profile,
    parse_profile,
    profile_document,
    profile_names,
    read_profile,
)
from .errors import LinkDescriptionError, ProfileError
from .line import Line
from .model import DirectionCounters, Fate, LinkModel, Passage
from .profile import BurstLoss, Cycle, DirectionProfile, LinkProfile, Outage, Tariff
from .service import ServicePlan
from .table import Table

__all__ = [
    "DEFAULT_PROFILE",
    "BurstLoss",
    "Cycle",
    "DirectionCounters",
    "DirectionProfile",
    "Fate",
    "Line",
    "LinkDescriptionError",
    "LinkModel",
    "LinkProfile",
    "Outage",
    "Passage",
    "ProfileError",
    "ServicePlan",
    "Table",
    "Tariff",
    "load_profile",
    "parse_profile",
    "profile_document",
    "profile_names",
    "read_profile",
]
