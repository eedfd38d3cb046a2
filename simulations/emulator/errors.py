"""What can go wrong with an emulated link, in words for the person who asked for it.

EmulatorError
├── NamespaceRefused   this machine does not let us make the two network namespaces
├── RelayRefused       the user-space relay could not do what was asked
└── EmulatorBroken     the process that carries the packets stopped answering
"""

from __future__ import annotations


class EmulatorError(Exception):
    """A link could not be emulated."""


class NamespaceRefused(EmulatorError):
    """Network namespaces or TUN devices are not to be had here; the message says why."""


class RelayRefused(EmulatorError):
    """The relay could not open or forward a port; the message says why."""


class EmulatorBroken(EmulatorError):
    """The process that carries the link ended or fell silent; what was under way is lost."""
