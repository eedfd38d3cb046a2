"""Everything this package can refuse.

ProtocolError
├── MalformedInput      bytes that are not what they claim to be: the peer or the medium erred
│   └── BundleRefused   a bundle or its header breaks a rule
├── BaseMissing         packed as a difference from an entry that is not held: ask for that entry, never drop
├── SealBroken          the bytes were altered, or sealed for somebody else
├── CaseSealBroken      stored bytes of a case do not open under its key: the disk erred, or somebody edited
├── UnknownKey          sealed for a key we do not hold: ask for a new seal, never drop
├── SuiteUnavailable    this machine's cryptographic library lacks a cipher that we need
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


class BaseMissing(ProtocolError):
    """A bundle packed as a difference from an entry that its reader was not given; with that entry it opens.

    Where the entry is not held, the sender is asked to seal the bundle again: it then goes out whole.
    """

    def __init__(self, base_id: bytes) -> None:
        super().__init__(
            f"it changes entry {base_id.hex()}, which is not here: the sender is asked for all of it"
        )
        self.base_id = base_id
        """The first bytes of the entry's id."""


class SealBroken(ProtocolError):
    """Sealed bytes that do not open: altered on the way or sealed for another recipient."""


class CaseSealBroken(ProtocolError):
    """Stored bytes of a case that are not what was sealed in that place."""


class UnknownKey(ProtocolError):
    """Sealed for a key that is not held here."""


class SuiteUnavailable(ProtocolError):
    """A cipher that every peer must have is missing on this machine; nothing starts without it."""


class SignatureBroken(ProtocolError):
    """An entry whose signature does not match its content."""


class AuthorityRefused(ProtocolError):
    """A record that its author's role or place does not allow."""


class EnrolmentRefused(ProtocolError):
    """An enrolment that cannot go on; says what to ask for."""


class InvalidRecord(ProtocolError):
    """A value that a record cannot hold exactly."""
