"""A whole consult between real processes over loopback, driven from a shell as an operator's script would."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.conftest import Consult
from tests.integration.hub_process import DOCTOR

REPLY = {
    "assessment": "Likely a heart attack.",
    "certainty": "probable",
    "orders": [
        {"name": "Aspirin", "item": 1, "strength": "300 mg", "dose": "300 mg", "route": "oral"},
        {"name": "Oxygen", "details": "10 l/min"},
    ],
    "contingencies": [{"quantity": "spo2", "below": 90, "then": "give oxygen 10 l/min", "order": 2}],
    "recheck_every_min": 15,
    "stop_rule": "Stop if breathing slows.",
    "evacuation": "prepare",
    "valid_for_min": 360,
}


def reply(consult: Consult) -> None:
    file = consult.folder / "reply.json"
    file.write_text(json.dumps(REPLY))
    consult.hub.ask("reply", consult.case, "--by", DOCTOR, "--file", str(file))


def synced(consult: Consult) -> Any:
    """A contact that ends with nothing left to do."""
    report = consult.node.ask("sync", "--once")
    assert report["complete"], report
    assert report["ended"] == "nothing left to do"
    return report


def test_one_consult_from_note_to_order_done(consult: Consult) -> None:
    node, hub = consult.node, consult.hub
    consult.new_case()
    draft = node.ask("case", "show", consult.case)
    assert draft["row"]["state"] == "draft"
    assert synced(consult)["bundles_sent"] == 0

    size = consult.send()["bytes"]
    report = synced(consult)
    assert report["payload_up"] == size
    assert report["bytes_received_twice"] == 0
    assert {row["state"] for row in node.ask("transfers")} == {"stored at hub"}
    assert node.ask("status")["unsent_bytes"] == 0

    shown = consult.at_hub(lambda shown: shown["arrivals"]["standard_s"])
    (waiting,) = hub.ask("queue")
    assert waiting["case"] == consult.case
    assert shown["question"] == "May I give aspirin?"
    assert shown["notes"] == ["Crushing chest pain since 02:10."]
    assert [layer["layer"] for layer in shown["media"][0]["layers"]] == ["preview", "standard"]
    arrivals = shown["arrivals"]
    assert arrivals["headline_s"] <= arrivals["text_s"] <= arrivals["previews_s"][0]
    assert arrivals["previews_s"][0] <= arrivals["standard_s"][0]

    reply(consult)
    # The first orders, and the signed reply behind them.
    assert synced(consult)["bundles_received"] == 2
    assert node.ask("status")["unread_replies"] == 1
    plan = node.ask("plan", consult.case, "--seen")
    assert plan["replies"][0]["orders"][0]["aboard"].startswith("aboard: 40 of list")
    assert plan["written_before"] == []
    assert node.ask("status")["unread_replies"] == 0

    node.ask("order", "confirm", consult.case, "1")
    node.ask("order", "done", consult.case, "1", "--dose", "300 mg")
    synced(consult)
    done = consult.at_hub(lambda shown: shown["arrivals"]["order_done_s"])
    assert done["replies"][0]["orders"][0]["status"] == "done"
    assert done["arrivals"]["reply_seen_s"] is not None

    node.ask("patient", "update", consult.case, "--weight-kg", "82.5")
    assert "weight" in " ".join(node.ask("plan", consult.case)["written_before"])
    node.ask("plan", "accept", consult.case, "--remark", "Dose does not depend on it.")
    assert node.ask("plan", consult.case)["accepted_by"] == "Medic on watch"
    synced(consult)
    consult.at_hub(lambda shown: shown["arrivals"]["plan_accepted_s"])


def test_with_the_hub_gone_a_crossed_limit_alarms_and_waits_in_the_queue(consult: Consult) -> None:
    node = consult.node
    consult.new_case(photo=False)
    consult.send()
    synced(consult)
    reply(consult)
    synced(consult)
    consult.hub.kill()
    saved = node.ask("vitals", "add", consult.case, "--spo2", "84")
    (alarm,) = saved["alarms"]
    assert (alarm["severity"], alarm["case"]) == ("emergency", consult.case)
    assert "give oxygen 10 l/min (order 2)" in alarm["text"]
    down = node.run("sync", "--once", "--json")
    assert (down.status, down.data["complete"]) == (5, False)
    of_case, unheard = node.ask("alarm", "list")
    assert of_case == alarm
    assert "may not have been heard: no terminal is open" in unheard["text"]
    for raised in (of_case, unheard):
        node.ask("alarm", "ack", str(raised["alarm"]), "--by", "Medic on watch")
    assert node.ask("alarm", "list") == []
    consult.hub.serve()
    synced(consult)
    consult.at_hub(lambda shown: [each["spo2_percent"] for each in shown["vitals"]] == [84, 91])


def test_a_reply_waits_sealed_while_the_vault_is_locked(consult: Consult) -> None:
    node = consult.node
    consult.new_case(photo=False)
    consult.send()
    synced(consult)
    node.ask("lock")
    reply(consult)
    locked = node.run("sync", "--once", "--json")
    assert (locked.status, locked.data["bundles_received"]) == (0, 2)
    status = node.run("--json", "status").data
    assert (status["vault"], status["unread_replies"]) == ("locked", 1)
    assert node.run("plan", consult.case).status == 4
    node.ask("unlock")
    assert node.ask("plan", consult.case)["replies"][0]["assessment"] == "Likely a heart attack."


def test_a_link_that_is_held_brings_the_reply_at_once(consult: Consult) -> None:
    node = consult.node
    consult.new_case(photo=False)
    consult.send()
    node.ask("link", "set", "--mode", "hold")
    with node.follow("--topic", "case_changed", "--topic", "progress") as watching:
        reply(consult)
        received = watching.until(lambda event: event["data"].get("state") == "received")
        assert (received["data"]["direction"], received["data"]["case"]) == ("down", None)
        assert watching.until(lambda event: event["event"] == "case_changed")["data"]["case"] == consult.case
    assert node.ask("plan", consult.case)["replies"][0]["assessment"] == "Likely a heart attack."


def test_codes_that_are_wrong_used_or_burnt_say_so(consult: Consult) -> None:
    node, hub = consult.node, consult.hub
    wrong = "0000-0000-0000-0000"
    code = hub.ask("enrol", "new", "--site", "MV EXAMPLE")["code"]
    for _ in range(3):
        ran = node.run(*_enrol(consult, wrong))
        assert (ran.status, "does not match" in ran.err) == (4, True), ran.err
    burnt = node.run(*_enrol(consult, code))
    assert (burnt.status, "burnt after 3 wrong tries" in burnt.err) == (4, True), burnt.err
    again = hub.ask("enrol", "new", "--site", "MV EXAMPLE")["code"]
    assert node.run(*_enrol(consult, again)).status == 0
    used = node.run(*_enrol(consult, again))
    assert (used.status, "used already" in used.err) == (4, True), used.err
    synced(consult)


def _enrol(consult: Consult, code: str) -> tuple[str, ...]:
    passphrase = ("--passphrase-file", str(consult.node.passphrase_file))
    return (*passphrase, "enrol", "--hub", consult.gate.url, "--code", code)
