"""Everything this package can refuse.

ProtocolError
├── MalformedInput      bytes that are not what they claim to be: the peer or the medium erred
│   └── BundleRefused   a bundle or its header breaks a rule
├── SealBroken          the bytes were altered, or sealed for somebody else
├── UnknownKey          sealed for a key we do not hold: ask for a new seal, never drop
├── SignatureBroken     the author's signature does not match
├── AuthorityRefused    a true signature of somebody who may not say this
├── EnrolmentRefused    wrong, used, burnt or expired code
└── InvalidRecord       we tried to write something a record may not hold: we erred
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Root of this package's errors; the message is a sentence for people."""


class MalformedInput(ProtocolError):
    """Outside bytes that cannot be read."""


class BundleRefused(MalformedInput):
    """A bundle that breaks a rule of the wire format."""


class SealBroken(ProtocolError):
    """Sealed bytes that do not open: altered on the way or sealed for another recipient."""


class UnknownKey(ProtocolError):
    """Sealed for a key that is not held here."""


class SignatureBroken(ProtocolError):
    """An entry whose signature does not match its content."""


class AuthorityRefused(ProtocolError):
    """A record that its author's role or place does not allow."""


class EnrolmentRefused(ProtocolError):
    """An enrolment that cannot go on; says what to ask for."""


class InvalidRecord(ProtocolError):
    """A value that a record cannot hold exactly."""
