"""`sfhub case erase` and `sfhub case erased`, without a server."""

from __future__ import annotations

from pathlib import Path

from protocol.actors import Role
from sfhub.app import init_hub, open_hub
from sfhub.config import HubFolder, HubIdentity
from tests.sfhub.hub_process import result, sfhub
from tests.sfhub.site import Site

REASON = "opened by mistake"
DECISION = ("--by", "specialist on duty", "--reason", REASON)


async def hub_with_a_case(folder: Path) -> str:
    init_hub(HubFolder(folder), HubIdentity("Example Health", "Main desk"))
    async with open_hub(HubFolder(folder)) as hub:
        site = Site("MV ARGO")
        await site.enrol(hub)
        await hub.people.add("Specialist on duty", Role.SPECIALIST)
        story = site.story()
        await site.deliver_story(hub, story)
    return story.case_id.hex()


async def test_a_clinician_erases_a_case(tmp_path: Path) -> None:
    case = await hub_with_a_case(tmp_path)
    asked = sfhub(tmp_path, "case", "erase", case, *DECISION)
    assert (asked.returncode, b"Add --yes." in asked.stderr) == (2, True)
    assert [row["case"] for row in result(tmp_path, "queue")] == [case]
    erased = result(tmp_path, "case", "erase", case, *DECISION, "--yes")
    assert (erased["case"], erased["erased_by"], erased["reason"]) == (case, "Specialist on duty", REASON)
    assert result(tmp_path, "queue") == []
    assert [row["case"] for row in result(tmp_path, "case", "erased")] == [case]
    shown = sfhub(tmp_path, "case", "show", case)
    assert shown.returncode == 4
    assert b"by Specialist on duty: opened by mistake. Nothing of it can be read" in shown.stderr
    again = sfhub(tmp_path, "case", "erase", case, *DECISION, "--yes")
    assert again.returncode == 4
