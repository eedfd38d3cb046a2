"""Everything a node can refuse or fail at, each with a stable code, an exit status and a sentence for people.

NodeError
├── BadRequest           2  a command or call that cannot be understood
├── NotFound             3  no such case, order, file or folder
├── Refused              4  understood, and not done; nothing was changed
│   ├── WrongPassphrase
│   ├── VaultLocked
│   ├── NotEnrolled
│   ├── EnrolmentRefused
│   ├── Incomplete          something that sending needs is missing
│   ├── ValueRefused        a value that a record cannot hold
│   └── CaseErased          somebody here has erased the case
├── LinkDown             5  nothing got through; what was written is safe and queued
├── CapReached           6  the spending cap holds it back; queued
├── CipherMissing        1  this machine's cryptographic library lacks what bundles are sealed with
├── FolderInUse          1  another daemon owns the data folder
├── DaemonGone           1  the daemon did not start, or ended in the middle of a call
└── StorageFailed        1  the disk refused
    └── StorageHalted    75  the disk did not confirm a change: the daemon ends, a new one checks
"""

from __future__ import annotations


class NodeError(Exception):
    """Root of this package's errors: the message says what happened, what is safe and what to do."""

    code: str = "node-error"
    exit_code: int = 1


class BadRequest(NodeError):
    """A command, option or parameter that cannot be understood; nothing was changed."""

    code = "bad-request"
    exit_code = 2


class NotFound(NodeError):
    """What was named does not exist here; nothing was changed."""

    code = "not-found"
    exit_code = 3


class Refused(NodeError):
    """Understood, and not done; nothing was changed."""

    code = "refused"
    exit_code = 4


class WrongPassphrase(Refused):
    """The passphrase does not open the vault."""

    code = "wrong-passphrase"


class VaultLocked(Refused):
    """Needs the vault, which is locked; sending and receiving go on."""

    code = "vault-locked"

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or "The vault is locked, so cases cannot be read or written. Sending, receiving and alarms "
            "go on. Unlock it with `sfnode unlock`."
        )


class NotEnrolled(Refused):
    """Needs a hub, and the site is not enrolled with one."""

    code = "not-enrolled"


class EnrolmentRefused(Refused):
    """The code or the hub's answer cannot be used."""

    code = "enrolment-refused"


class Incomplete(Refused):
    """Something that is required is missing; the message names it."""

    code = "incomplete"


class ValueRefused(Refused):
    """A value that a record cannot hold exactly."""

    code = "value-refused"


class CaseErased(Refused):
    """Somebody here has erased the case; what is left is who, when and why."""

    code = "case-erased"


class LinkDown(NodeError):
    """Nothing got through; what was written is safe here and goes when the link is back."""

    code = "link-down"
    exit_code = 5


class CapReached(NodeError):
    """The spending cap holds it back; it stays queued."""

    code = "cap-reached"
    exit_code = 6


class CipherMissing(NodeError):
    """A cipher that every peer must have is missing on this machine: the daemon does not start."""

    code = "cipher-missing"


class FolderInUse(NodeError):
    """Another daemon owns the data folder."""

    code = "folder-in-use"


class DaemonGone(NodeError):
    """The daemon could not be started, or ended in the middle of a call."""

    code = "daemon-gone"


class StorageFailed(NodeError):
    """The disk refused; earlier changes are safe."""

    code = "storage-failed"


class StorageHalted(StorageFailed):
    """The disk did not confirm a change; 75 is EX_TEMPFAIL, by which a service manager starts it again."""

    code = "storage-halted"
    exit_code = 75
