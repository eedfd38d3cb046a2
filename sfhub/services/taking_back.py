"""What a restored hub gets back of its own: entries that it signed and lost, and that a site returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from protocol.entry import Entry
from protocol.header import Priority
from protocol.prekeys import Revocation
from protocol.records import Kind
from sync.stores.connection import Connection
from sync.stores.notices import add_notice

from ..domain.notice_words import HUB_RESTORED
from ..storage.keys import revoke_again
from ..storage.outbox import add_held_at_site
from ..storage.sites import Pair
from .opening import ProvenEntry

_WHAT: Final[Mapping[int, str]] = {
    Kind.REPLY: "reply",
    Kind.ADVICE: "immediate advice",
    Kind.QUESTION: "question",
    Kind.CASE_SEEN: "case seen",
}


def take_back_own(
    connection: Connection, proven: ProvenEntry, *, pair: Pair, priority: Priority, now_s: float
) -> None:
    """Inside the transaction that keeps the entry: the site has it, so it is not sent again, and a key that
    was revoked stays revoked."""
    add_held_at_site(
        connection,
        pair=pair.number,
        case_id=proven.entry.case_id,
        entry_id=proven.signed.entry_id,
        what=_what(proven.entry),
        priority=priority,
        now_s=now_s,
    )
    for record in proven.entry.records:
        if isinstance(record.body, Revocation):
            revoke_again(connection, record.body, now_s)
    add_notice(connection, HUB_RESTORED, now_s=now_s)


def _what(entry: Entry) -> str:
    """As it was called when it was written."""
    return next((_WHAT[record.kind] for record in entry.records if record.kind in _WHAT), "statement")
