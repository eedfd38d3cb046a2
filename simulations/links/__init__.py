"""Links as data and as pure models of one direction; re-exports the public names."""

from .capacity import RateStep, RateTrace
from .catalogue import DEFAULT_PROFILE, load_profile, parse_profile, profile_names
from .errors import LinkDescriptionError, OrbitUnavailable, ProfileError
from .line import Line
from .model import DirectionCounters, Fate, LinkModel, Passage, SharedChannel, open_models
from .orbit import SatellitePasses
from .outages import Cycle, Orbit, Outage, RandomOutages
from .post import MessageTooLong, PostModel, Way
from .profile import BurstLoss, DirectionProfile, HalfDuplex, LinkProfile, Mailbox
from .reading import profile_document, read_profile
from .recording import read_recording
from .service import ServicePlan
from .table import Table
from .tariff import Tariff
from .text_file import read_text

__all__ = [
    "DEFAULT_PROFILE",
    "BurstLoss",
    "Cycle",
    "DirectionCounters",
    "DirectionProfile",
    "Fate",
    "HalfDuplex",
    "Line",
    "LinkDescriptionError",
    "LinkModel",
    "LinkProfile",
    "Mailbox",
    "MessageTooLong",
    "Orbit",
    "OrbitUnavailable",
    "Outage",
    "Passage",
    "PostModel",
    "ProfileError",
    "RandomOutages",
    "RateStep",
    "RateTrace",
    "SatellitePasses",
    "ServicePlan",
    "SharedChannel",
    "Table",
    "Tariff",
    "Way",
    "load_profile",
    "open_models",
    "parse_profile",
    "profile_document",
    "profile_names",
    "read_profile",
    "read_recording",
    "read_text",
]
