"""What the hub can say no to: each with a stable code, a sentence for its reader, and an exit status.

HubError
├── NotInitialised      this folder holds no hub
├── AlreadyInitialised  this folder holds one
├── FolderUnusable      it holds a hub that cannot be opened
├── CipherMissing       this machine's cryptographic library lacks what bundles are sealed with
├── NotFound            no case, picture, clinician or site of that name
├── Ambiguous           the short name fits more than one
├── BadRequest          a value that cannot be used as it is
├── ReplyIncomplete     a reply lacks something or holds something impossible: names the fields
├── NewsBeforeSending   facts have arrived that the author of a reply has not seen
├── CautionsBeforeSending  a reply that its author should look at once more
├── NotAllowed          the person's role does not allow it
├── KeyNeeded           the key is in use, so it is not destroyed
├── CaseErased          somebody here has erased the case
├── NotSignedIn         no session, or a one-time address that is used or too old
├── HubNotReachable     the running hub did not answer on its socket
├── CannotListen        the address is taken or not ours
├── BackupFailed        no backup was made; the hub and earlier ones are unharmed
├── BackupDamaged       a backup that cannot be relied on
└── ObjectDamaged       stored bytes are not those that were written
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class HubError(Exception):
    """Root of this package's errors; the message says what happened, what is safe and what to do."""

    code: ClassVar[str] = "hub-error"
    exit_code: ClassVar[int] = 1


class NotInitialised(HubError):
    code = "not-initialised"


class AlreadyInitialised(HubError):
    code = "already-initialised"


class FolderUnusable(HubError):
    code = "folder-unusable"


class CipherMissing(HubError):
    code = "cipher-missing"


class NotFound(HubError):
    code = "not-found"
    exit_code = 3


class Ambiguous(HubError):
    code = "ambiguous"
    exit_code = 3


class BadRequest(HubError):
    code = "bad-request"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One field of a form that needs its author."""

    field: str
    """Where: "assessment", "orders.2.name" (counted from 1)."""
    sentence: str


class ReplyIncomplete(HubError):
    code = "reply-incomplete"
    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        listed = " ".join(problem.sentence for problem in self.problems)
        super().__init__(f"The reply was not sent; nothing was lost. {listed}")


class NewsBeforeSending(HubError):
    code = "news-before-sending"
    exit_code = 4

    def __init__(self, news: Sequence[str]) -> None:
        self.news = tuple(news)
        listed = "; ".join(self.news)
        super().__init__(
            f"Nothing was sent: since you opened the case, this has arrived: {listed}. Read it, then send "
            "again."
        )


class CautionsBeforeSending(HubError):
    code = "cautions-before-sending"
    exit_code = 4

    def __init__(self, cautions: Sequence[str]) -> None:
        self.cautions = tuple(cautions)
        super().__init__(f"Nothing was sent yet. {' '.join(self.cautions)} Change it, or send it as it is.")


class NotAllowed(HubError):
    code = "not-allowed"
    exit_code = 4


class KeyNeeded(HubError):
    code = "key-needed"
    exit_code = 4


class CaseErased(HubError):
    code = "case-erased"
    exit_code = 4


class NotSignedIn(HubError):
    code = "not-signed-in"
    exit_code = 4


class HubNotReachable(HubError):
    code = "hub-not-reachable"


class CannotListen(HubError):
    code = "cannot-listen"


class BackupFailed(HubError):
    code = "backup-failed"


class BackupDamaged(HubError):
    code = "backup-damaged"


class ObjectDamaged(HubError):
    code = "object-damaged"
