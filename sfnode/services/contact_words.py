"""How a contact ended, in one sentence: what the site can know, and no more."""

from __future__ import annotations

from typing import Final

from sync.core import Ending
from sync.driver import SessionReport
from sync.links.udp_connection import PEER_LET_GO
from sync.ports import LinkProperties, LinkShape

NOTHING_LEFT: Final = "nothing left to do"
ALLOWANCE_SPENT: Final = "what may be spent on this link today is spent"
FELL_SILENT: Final = "the hub answered no more, and an emergency went on over another link"
NO_GOODBYE: Final = "the hub answered no more, and a better link took over"
NO_ROOM: Final = "a disk had no room for something, here or at the hub: it is tried again in a new contact"
NO_ANSWER: Final = "no answer: the hub is down or the link is dark"
NO_ANSWER_TO_STRANGERS: Final = (
    "no answer: the hub is down, the link is dark, or this site is not known there"
)
LET_GO: Final = "the hub let go before it greeted: a newer session of this site is open there, or it ends"
"""The newer one may be of another device, which is a copy of this one."""


def ended_words(
    session: SessionReport,
    link: LinkProperties,
    *,
    reached: bool,
    spent_out: bool,
    ends_for_room: bool = False,
) -> str:
    """`reached`: the hub has greeted; `spent_out`: the contact had cost what it might; `ends_for_room`: a new
    one is to try again what a full disk has turned away."""
    match session.ending:
        case Ending.DONE:
            return NOTHING_LEFT
        case Ending.PARTED if spent_out:
            return ALLOWANCE_SPENT
        case Ending.PARTED if ends_for_room:
            return NO_ROOM
        case Ending.PEER_SILENT if not reached:
            # In datagrams a hub gives no answer to whom it does not know.
            return NO_ANSWER_TO_STRANGERS if link.shape is LinkShape.DATAGRAM else NO_ANSWER
        case Ending.LINK_LOST if not reached and session.reason.startswith(PEER_LET_GO):
            return LET_GO
        case _:
            return session.reason
