"""What a hub is told first when this site joins it, in one transaction: who works here, what is aboard."""

from __future__ import annotations

from protocol.actors import Party
from protocol.entry import SignedEntry
from protocol.header import Priority
from sfnode.domain.aboard import current_list
from sfnode.vault.directory import SITE_PATIENT
from sfnode.vault.entries import insert_case, patient_of, read_signed
from sfnode.vault.hubs import Hub
from sfnode.vault.outbox import is_entry_queued
from sync.ports import Rank

from .capture import state_aboard
from .writing import Pen


def introduce_site(pen: Pen, hub: Hub) -> None:
    """Queue what the hub was never told; nothing where it was told before."""
    if patient_of(pen.connection, hub.site_case) is not None:
        _tell_file(pen, hub)
        return
    known = [
        current_list(pen.case(site_case)) for site_case in pen.site_files() if site_case != hub.site_case
    ]
    insert_case(
        pen.connection,
        hub.site_case,
        SITE_PATIENT,
        hub=hub.hub,
        priority=Priority.URGENT,
        sent_s=pen.now_s,
    )
    written = pen.first(hub.site_case, SITE_PATIENT, [])
    _tell_first(pen, hub, [written.signed])
    if body := max((each for each in known if each is not None), key=lambda each: each.version, default=None):
        state_aboard(pen, pen.case(hub.site_case), body, [hub])


def _tell_file(pen: Pen, hub: Hub) -> None:
    """The file was begun for another hub of the same organisation: this one gets what we wrote in it."""
    file = pen.case(hub.site_case)
    ours = [each.entry.entry_id for each in file.entries if each.party is Party.SITE]
    lacking = [entry_id for entry_id in ours if not is_entry_queued(pen.connection, hub.hub, entry_id)]
    for number, signed in enumerate(read_signed(pen.connection, lacking)):
        if number == 0 and lacking[0] == ours[0]:
            _tell_first(pen, hub, [signed])
        else:
            pen.queue(file, [signed], what="about this site", rank=Rank.TEXT, hub=hub.hub)


def _tell_first(pen: Pen, hub: Hub, entries: list[SignedEntry]) -> None:
    # Of the first class, for without it the hub cannot believe a headline.
    pen.queue(
        pen.case(hub.site_case),
        entries,
        what="who works here",
        rank=Rank.HEADLINE,
        priority=Priority.EMERGENCY,
        hub=hub.hub,
    )
