"""What one session is made of, put together."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.limits import SESSION_CREDIT_BYTES

from .accord import Accord
from .departure import Departure
from .greeting import SessionTerms
from .intake import Intake
from .memory import LinkMemory
from .outlet import Outlet
from .receipts import Receipts
from .rekeying import Rekeying
from .restitution import Restitution
from .safekeeping import Safekeeping
from .sender import Sender
from .settling import Settling
from .states import Course, Role
from .wire import SessionChannel, Wire


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Each answers one question; none knows of the session."""

    course: Course
    wire: Wire
    outlet: Outlet
    sender: Sender
    intake: Intake
    rekeying: Rekeying
    restitution: Restitution
    settling: Settling
    safekeeping: Safekeeping
    accord: Accord
    departure: Departure

    @property
    def receipts(self) -> Receipts:
        return self.intake.receipts


def assemble(role: Role, channel: SessionChannel, terms: SessionTerms, memory: LinkMemory) -> Parts:
    """The parts of a session that has not begun."""
    course = Course(role)
    wire = Wire(channel)
    outlet = Outlet(wire)
    sender = Sender(memory, outlet, terms.floor)
    # A dialer is heard before it speaks; what it is told, it hears when its first flight has left.
    unread_bytes = 0 if role is Role.DIALER else SESSION_CREDIT_BYTES
    intake = Intake(terms.credit_bytes, terms.floor, unread_bytes=unread_bytes)
    restitution = Restitution(outlet)
    return Parts(
        course=course,
        wire=wire,
        outlet=outlet,
        sender=sender,
        intake=intake,
        rekeying=Rekeying(outlet),
        restitution=restitution,
        settling=Settling(outlet, restitution),
        safekeeping=Safekeeping(outlet, intake.receipts),
        accord=Accord(role, terms, outlet, sender),
        departure=Departure(course, outlet, sender, intake),
    )
