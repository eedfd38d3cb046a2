"""What the hub's people are told once: what happened, what is safe, and what to do."""

from __future__ import annotations

from typing import Final

from protocol.ids import Mailbox
from sync.stores.incidents import Incident, IncidentKind
from sync.stores.notices import Notice, Worded

HUB_RESTORED: Final = Notice(
    "hub-restored",
    "This hub was restored from an older backup, or a copy of it is in use. Nothing that its sites hold is "
    "lost: at their next contacts they send again what it lacks, and give its answers back. An answer that "
    "had not reached its site is lost, and its case waits again. If two copies of this hub run, end one.",
)
HUB_REBUILT: Final = Notice(
    "hub-rebuilt",
    "This hub has taken the place of one whose keys are lost. Each site that enrols here sends again all "
    "that it holds; what the lost hub had answered stays readable at the sites alone. Enrol every site anew.",
)
HUB_MOVED: Final = Notice(
    "hub-moved",
    "This hub's data lies on another machine or disk than before: it was moved or copied. Nothing is lost. "
    "If the old copy still runs, end one of the two.",
    covered_by=HUB_RESTORED.subject,
)


def site_restored(site: Mailbox, name: str) -> Notice:
    """A site asks for what it had, or turns out to lack what it held."""
    return Notice(
        f"site-restored:{site.hex()}",
        f"{name} was restored from an older backup, or a copy of it is in use. Nothing that came here is "
        "lost: what the site lacks is given back to it by itself. If two copies of it run, call the site to "
        "end one.",
    )


def site_replaced(site: Mailbox, name: str) -> Notice:
    """A new device came for a site that had one."""
    return Notice(
        f"site-replaced:{site.hex()}",
        f"{name} has a new device with an empty vault: its open cases are given back to it, with previews of "
        "their pictures. What the old device had not sent is lost with it. If that one was lost or stolen, "
        "revoke its key.",
    )


def site_enrolled_anew(site: Mailbox, name: str) -> Notice:
    """The device that a site had comes without the pair it had."""
    return Notice(
        f"site-replaced:{site.hex()}",
        f"{name} was enrolled anew with the device that it had. In case that one has lost something, it "
        "sends again all that it holds, and its open cases are given back to it. Nothing that came here is "
        "lost.",
    )


def not_returned(site: Mailbox, name: str) -> Notice:
    """Something that a site has lost cannot be given back as it was."""
    return Notice(
        f"not-returned:{site.hex()}",
        f"{name} has lost messages that this hub cannot give back as they were: what nobody had signed yet, "
        "what was erased here, or could not be opened. All else is on its way. Look at the site's cases, and "
        "tell it what it needs.",
    )


def worded(site: Mailbox, name: str) -> Worded:
    """Words for what custody met with one site."""

    def words(incident: Incident) -> Notice:
        match incident.kind:
            case IncidentKind.RENEWED | IncidentKind.RESTORED:
                return HUB_RESTORED
            case IncidentKind.MOVED:
                return HUB_MOVED
            case IncidentKind.FORKED:
                return site_restored(site, name)
            case _:
                sentence = _OTHERS[incident.kind].format(site=name, reason=incident.reason)
                return Notice(f"{incident.kind}:{site.hex()}", sentence)

    return words


_OTHERS: Final = {
    IncidentKind.UNGUARDED: (
        "That this hub's data was restored or copied could be noticed by its sites alone: {reason}. Nothing "
        "is lost. Make that place writable."
    ),
    IncidentKind.PRUNED_LOST: (
        "{site} has lost messages whose sealed copies were dropped here. They are sealed again from the "
        "records and sent; nothing is to be done."
    ),
    IncidentKind.UNAPPLIED: (
        "This hub's records were restored without its custody, and lacked messages of {site}: {reason}. The "
        "site sends again what it still has; look at its open cases after the next contact."
    ),
    IncidentKind.REFUSED: "{site} will not take a message as it is: {reason}. It is kept here.",
    IncidentKind.REKEY: (
        "{site} could not open a message as sealed: {reason}. It is kept, and sealed again by itself."
    ),
    IncidentKind.QUARANTINED: (
        "A message of {site} was put aside: {reason}. Its bytes are kept; see sfhub quarantine list."
    ),
    IncidentKind.DAMAGED: (
        "The disk altered a stored message to or from {site}: {reason}. It is sealed or fetched again; check "
        "the disk if this repeats."
    ),
}
