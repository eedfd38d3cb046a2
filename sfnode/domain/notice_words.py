"""What the site's people are told once: what happened, what is safe, and what to do."""

from __future__ import annotations

from typing import Final

from sync.stores.incidents import Incident, IncidentKind
from sync.stores.notices import Notice

SITE_RESTORED: Final = Notice(
    "site-restored",
    "This site was restored from an older backup, or a copy of it is in use. Nothing that the hub holds is "
    "lost: it is given back by itself at the next contacts, and everything else is sent again. What was "
    "written after the backup and never sent has to be written again. If two copies run, end one.",
)
SITE_MOVED: Final = Notice(
    "site-moved",
    "This site's data lies on another machine or disk than before: it was moved or copied. Nothing is lost. "
    "If the old copy still runs, end one of the two.",
    covered_by=SITE_RESTORED.subject,
)
HUB_RESTORED: Final = Notice(
    "hub-restored",
    "The hub has lost some of what it held, as after restoring an older backup. Nothing is lost here: what "
    "it lacks is sent again by itself, and its own answers are given back to it. Nothing needs to be done.",
)
HUB_REBUILT: Final = Notice(
    "hub-rebuilt",
    "This site was enrolled anew: all that it has sent before is sent again, and the hub's answers are given "
    "back to it. Nothing is lost; the next contacts carry more than usual.",
)
HUB_REPLACED: Final = Notice(
    "hub-rebuilt",
    "This site was enrolled anew with a hub whose keys are new: all that it has sent before is sent again. "
    "What the hub had answered before stays readable here; the new hub cannot read it. Tell the specialist "
    "what was advised.",
)
CANNOT_RESEND: Final = Notice(
    "cannot-resend",
    "The hub has lost messages that cannot be read here any more either, because their case was erased or "
    "this machine's disk has damaged them. Everything else is sent again. Tell the operator of the hub.",
)
NOT_RETURNED: Final = Notice(
    "not-returned",
    "The hub has lost answers that this site cannot give back: they were erased here, nobody signed them, or "
    "they could not be opened. All others are given back. Tell the operator of the hub.",
)


ABOUT_SITE: Final = frozenset(
    {SITE_RESTORED.subject, SITE_MOVED.subject, IncidentKind.UNGUARDED.value, IncidentKind.UNAPPLIED.value}
)
"""Causes that lie here: told once, however many hubs there are."""
FOREIGN_CASE: Final = Notice(
    "foreign-case",
    "The hub has sent something for a case that is not with it. It was kept aside and has changed nothing: "
    "no case shows it, and no order of it counts. Tell the operator of the hub.",
)


def worded(incident: Incident) -> Notice:
    """Words for what custody met with the hub."""
    if (whole := _WHOLE.get(incident.kind)) is not None:
        return whole
    return Notice(incident.kind.value, _WITH_REASON[incident.kind].format(reason=incident.reason))


_WHOLE: Final = {
    IncidentKind.RENEWED: SITE_RESTORED,
    IncidentKind.RESTORED: SITE_RESTORED,
    IncidentKind.MOVED: SITE_MOVED,
    IncidentKind.FORKED: HUB_RESTORED,
    IncidentKind.PRUNED_LOST: HUB_RESTORED,
}
_WITH_REASON: Final = {
    IncidentKind.UNGUARDED: (
        "That this site's data was restored or copied could be noticed by the hub alone: {reason}. Nothing "
        "is lost. Make that place writable."
    ),
    IncidentKind.UNAPPLIED: (
        "This site's vault was restored alone and lacked messages of the hub: {reason}. The hub sends again "
        "what it still has; nothing is to be done."
    ),
    IncidentKind.REFUSED: "The hub will not take a message as it is: {reason}. It is kept here.",
    IncidentKind.REKEY: "The hub could not open a message as sealed: {reason}. It is kept and sealed again.",
    IncidentKind.QUARANTINED: "A message from the hub was kept aside: {reason}.",
    IncidentKind.DAMAGED: "The disk altered a stored message: {reason}. It is sent or fetched again.",
}
