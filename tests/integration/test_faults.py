"""Killed and cut at many moments, what was acknowledged arrives whole, and once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import Consult
from tests.integration.gate import Then

WAIT_S = 40
MOMENTS = (150, 700, 9_000)
"""Bytes that have come through: in the headline, in the text, in the photograph."""


def whole_and_once(consult: Consult) -> None:
    """Everything of the case is at the hub, nothing twice, nothing set aside."""
    shown = consult.at_hub(_is_whole)
    assert shown["notes"] == ["Crushing chest pain since 02:10."]
    assert [each["heart_rate_min"] for each in shown["vitals"]] == [118]
    assert [layer["layer"] for layer in shown["media"][0]["layers"]] == ["preview", "standard"]
    assert shown["row"]["missing"] == []
    assert consult.hub.ask("quarantine", "list") == []
    assert len(consult.hub.ask("queue")) == 1


def _is_whole(shown: Any) -> bool:
    return not shown["row"]["missing"] and any(len(each["layers"]) == 2 for each in shown["media"])


def finish(consult: Consult) -> None:
    """Without the passphrase, whatever had happened before."""
    ran = consult.node.run("sync", "--once", "--json")
    assert ran.status == 0, ran.err
    assert ran.data["complete"]
    assert consult.node.run("--json", "status").data["unsent_count"] == 0


@pytest.mark.parametrize("up_bytes", MOMENTS)
def test_a_node_killed_during_upload_goes_on_while_its_vault_is_locked(
    consult: Consult, up_bytes: int
) -> None:
    consult.node.stop()
    daemon = consult.node.serve("--mode", "poll", unlocked=True)
    consult.node.ask("sync", "--once")
    consult.new_case()
    consult.gate.limit(up_bytes, Then.HOLD)
    consult.send()
    assert consult.gate.reached.wait(WAIT_S)
    consult.node.kill(daemon)
    consult.gate.open()
    finish(consult)
    assert consult.node.run("--json", "status").data["vault"] == "locked"
    whole_and_once(consult)


@pytest.mark.parametrize("up_bytes", MOMENTS)
def test_a_hub_killed_during_ingest_is_served_again_what_it_lacks(consult: Consult, up_bytes: int) -> None:
    consult.new_case()
    consult.gate.limit(up_bytes, Then.HOLD)
    consult.send()
    consult.node.ask("link", "set", "--mode", "poll")
    assert consult.gate.reached.wait(WAIT_S)
    consult.hub.kill()
    consult.node.ask("link", "set", "--mode", "manual")
    consult.gate.open()
    consult.hub.serve()
    finish(consult)
    whole_and_once(consult)


@pytest.mark.parametrize("up_bytes", MOMENTS)
def test_a_link_cut_at_any_byte_says_so_and_is_mended_by_the_next_contact(
    consult: Consult, up_bytes: int
) -> None:
    consult.new_case()
    consult.gate.limit(up_bytes, Then.CUT)
    consult.send()
    cut = consult.node.run("sync", "--once", "--json")
    assert (cut.status, cut.data["complete"]) == (5, False)
    assert "queued" in cut.err
    consult.gate.open()
    finish(consult)
    whole_and_once(consult)
