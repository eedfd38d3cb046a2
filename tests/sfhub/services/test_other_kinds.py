"""Every kind of record reaches the page of its case, and a place that was added to a case may write in it."""

from __future__ import annotations

from protocol.actors import Actor, Role
from protocol.clinical import Note
from protocol.consent import (
    CareTeam,
    Consent,
    ConsentBy,
    ConsentHow,
    ConsentScope,
    Decision,
    Member,
    MemberTask,
)
from protocol.findings import BodySystem, Finding, Findings, FindingState, Measure
from protocol.identity import Identity
from protocol.questions import Answer
from protocol.voyage import Position
from sfhub.app import Hub
from tests.sfhub.site import NOON_S, Site

REFUSAL = Consent(
    decision=Decision.REFUSED, scope=(ConsentScope.PHOTOGRAPHS,), by=ConsentBy.PATIENT, how=ConsentHow.SPOKEN
)
MEASURED = Findings(
    observed_s=int(NOON_S),
    items=(
        Finding(
            system=BodySystem.WOUND,
            state=FindingState.PRESENT,
            measure=Measure.WOUND_LENGTH,
            value=42,
            text="shin",
        ),
    ),
)


async def test_new_kinds_are_read_on_the_timeline(hub: Hub, site: Site) -> None:
    story = site.story()
    await site.deliver_story(hub, story)
    await site.deliver(
        hub,
        site.entry(
            REFUSAL,
            MEASURED,
            Identity(name="Test Person"),
            Position(observed_s=int(NOON_S), destination="Port"),
            Answer(code=4, options=(1,)),
            case_id=story.case_id,
        ),
    )
    view = await hub.worklist.case(story.case_id)
    told = {event.title: (event.kind, event.text) for event in view.timeline}
    assert told["consent"][1].startswith("REFUSED for photographs")
    assert told["findings"] == ("findings", "22 Nov 2024 12:00Z, wound: present, wound length 42 mm, shin")
    assert told["identity"] == ("identity", "Test Person")
    assert told["position"] == ("position", "22 Nov 2024 12:00Z, bound for: Port")
    assert told["answer"] == ("answer", "yes")


async def test_a_site_that_was_added_to_a_case_may_write_in_it(hub: Hub, site: Site) -> None:
    neighbour = Site("MV BOREAS", seed=2)
    await neighbour.enrol(hub)
    story = site.story()
    await site.deliver_story(hub, story)
    note = neighbour.entry(
        Actor(name="Other medic", role=Role.MEDIC),
        Note(language="en", text="The patient is with us now."),
        case_id=story.case_id,
        patient_id=site.patient,
    )
    added = Member(mailbox=neighbour.mailbox, name=neighbour.name, task=MemberTask.TAKES_OVER)
    await site.deliver(hub, site.entry(CareTeam(added=(added,)), case_id=story.case_id))
    await neighbour.deliver(hub, note)
    view = await hub.worklist.case(story.case_id)
    assert view.notes[0] == "The patient is with us now."
    assert view.row.site == site.name
