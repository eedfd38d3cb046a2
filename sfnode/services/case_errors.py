"""What the casebook refuses beside the errors of the package, each with a stable code; nothing was changed.

sfnode.errors.Refused
├── OrderUnclear        which order is meant cannot be told
├── OrderNotOpen        it was done, refused or stopped already
├── OrderContradicted   its words and the list aboard are not the same thing
├── ReadBackDiffers     what was retyped is not what was ordered
└── NothingToAccept     the plan was written knowing everything, or is accepted already
sfnode.errors.NotFound
└── OrderNotFound       no reply has an order of that number
"""

from __future__ import annotations

from sfnode.errors import NotFound, Refused


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
