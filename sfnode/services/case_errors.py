"""What the casebook refuses beside the errors of the package, each with a stable code; nothing was changed.

sfnode.errors.Refused
├── OrderUnclear        which order is meant cannot be told
├── OrderNotOpen        it was done, refused or stopped already
├── OrderContradicted   its words and the list aboard are not the same thing
├── ReadBackDiffers     what was retyped is not what was ordered
└── NothingToAccept     the plan was written knowing everything, or is accepted already
sfnode.errors.NotFound
├── OrderNotFound       no reply has an order of that number
├── NoteNotFound        no note that stands has that name
└── QuestionNotFound    the hub has not asked that
"""

from __future__ import annotations

from protocol.ids import short
from sfnode.domain.unreadable import erased_words
from sfnode.errors import CaseErased, NotFound, Refused
from sync.stores.erasures import Erasure


class OrderUnclear(Refused):
    """Two replies have an order of that number."""

    code = "order-unclear"


class OrderNotOpen(Refused):
    """Nothing can be confirmed or refused any more."""

    code = "order-not-open"


class OrderContradicted(Refused):
    """The order names an item of the list aboard in words that are another thing's."""

    code = "order-contradicted"


class ReadBackDiffers(Refused):
    """A dose that must be retyped was not, or not as ordered."""

    code = "read-back-differs"


class NothingToAccept(Refused):
    """No fact waits for a named person's decision."""

    code = "nothing-to-accept"


class OrderNotFound(NotFound):
    """No such order."""

    code = "order-not-found"


class NoteNotFound(NotFound):
    """No such note, or more than one."""

    code = "note-not-found"


class QuestionNotFound(NotFound):
    """No such question."""

    code = "question-not-found"


def case_erased(erasure: Erasure) -> CaseErased:
    """The refusal of anybody who names an erased case."""
    return CaseErased(
        f"C-{short(erasure.case_id)} was {erased_words(erasure)}. Nothing of it can be read here any more, "
        "and nothing was added. `sfnode case list` shows the other cases."
    )
