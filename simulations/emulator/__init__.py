"""A link in real time under real processes and sockets; re-exports the public names."""

from .control import Mode
from .counters import LinkCounters
from .errors import EmulatorBroken, EmulatorError, NamespaceRefused, RelayRefused
from .link import EmulatedLink, ModeName, open_link
from .namespaces import namespace_obstacle

__all__ = [
    "EmulatedLink",
    "EmulatorBroken",
    "EmulatorError",
    "LinkCounters",
    "Mode",
    "ModeName",
    "NamespaceRefused",
    "RelayRefused",
    "namespace_obstacle",
    "open_link",
]
