"""What can be wrong with a description of a link, in words for the person who wrote it.

LinkDescriptionError
├── ProfileError       a profile or recording that is missing, unreadable or impossible
└── OrbitUnavailable   a profile that needs the package for satellite orbits
"""

from __future__ import annotations


class LinkDescriptionError(Exception):
    """A link was described in a way that cannot be simulated."""


class ProfileError(LinkDescriptionError):
    """A link profile cannot be used; the message names the file, the place in it and the reason."""


class OrbitUnavailable(LinkDescriptionError):
    """Satellite orbits cannot be computed here; the message says what to install."""
