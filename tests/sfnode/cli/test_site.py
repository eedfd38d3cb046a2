"""Setting a site up: what it leaves on the disk, and that being cut short or told nonsense is harmless."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from protocol.ids import Pseudonym
from tests.sfnode.conftest import Enrolled
from tests.sfnode.node_process import NodeProcess
from tests.sfnode.stand_in_hub import HUB_NAME, ORGANISATION, StandInHub

INIT = ("init", "--site", "MV EXAMPLE", "--medic", "Medic on watch")


def test_a_site_is_its_owners_alone(bare_node: NodeProcess) -> None:
    bare_node.ask(*INIT)
    assert stat.S_IMODE(bare_node.data.stat().st_mode) == 0o700
    for path in bare_node.data.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert tomllib.loads((bare_node.data / "site.toml").read_text())["site"] == "MV EXAMPLE"


def test_a_vault_without_settings_was_cut_short_and_is_finished(bare_node: NodeProcess) -> None:
    bare_node.ask(*INIT)
    (bare_node.data / "site.toml").unlink()
    assert bare_node.run("status").status == 3
    bare_node.ask(*INIT)
    assert bare_node.ask("status")["site"] == "MV EXAMPLE"
    assert bare_node.ask("unlock") == {"vault": "unlocked"}


@pytest.mark.parametrize(
    ("medic", "sentence"),
    [("", "name"), ("M" * 500, "Nothing was set up"), ("\x1b[2J", "Nothing was set up")],
    ids=["empty", "too long", "steers the terminal"],
)
def test_a_name_that_cannot_be_kept_is_refused(bare_node: NodeProcess, medic: str, sentence: str) -> None:
    ran = bare_node.run(
        "init", "--site", "S", "--medic", medic, "--passphrase-file", str(bare_node.passphrase_file)
    )
    assert ran.status == 4
    assert sentence in ran.err
    assert not (bare_node.data / "site.toml").exists()


def test_an_enrolment_by_files_needs_no_link(bare_node: NodeProcess, tmp_path: Path) -> None:
    hub, request, response = StandInHub(), tmp_path / "request", tmp_path / "response"
    bare_node.found()
    bare_node.ask("enrol", "--code", hub.code.lower().replace("-", " "), "--request-out", str(request))
    response.write_bytes(hub.answer(request.read_bytes()))
    enrolled = bare_node.ask("enrol", "--response-in", str(response), "--hub", "http://127.0.0.1:9")
    assert enrolled == {
        "site": "MV EXAMPLE",
        "organisation": ORGANISATION,
        "hub": HUB_NAME,
        "name": HUB_NAME,
        "is_new": True,
        "home": True,
        "link_added": None,
    }
    assert bare_node.ask("status")["hub"] == HUB_NAME
    assert bare_node.ask("link", "show")["hub_url"] == "http://127.0.0.1:9"


def test_an_altered_answer_enrols_nobody(bare_node: NodeProcess, tmp_path: Path) -> None:
    hub, request, response = StandInHub(), tmp_path / "request", tmp_path / "response"
    bare_node.found()
    bare_node.ask("enrol", "--code", hub.code, "--request-out", str(request))
    answer = hub.answer(request.read_bytes())
    response.write_bytes(answer[:-1] + bytes((answer[-1] ^ 1,)))
    ran = bare_node.run("enrol", "--response-in", str(response), "--hub", "http://127.0.0.1:9")
    assert ran.status == 4
    assert "was altered" in ran.err
    assert ran.err.count("\n") == 1
    assert bare_node.ask("status")["hub"] is None


def test_a_hub_that_is_not_there_uses_no_code_up(bare_node: NodeProcess) -> None:
    bare_node.found()
    ran = bare_node.run(
        *("--passphrase-file", str(bare_node.passphrase_file)),
        *("enrol", "--hub", "http://127.0.0.1:9", "--code", StandInHub().code),
    )
    assert ran.status == 5
    assert "the code is still good" in ran.err


def test_a_hub_that_comes_with_new_keys_or_was_left_is_joined_again_only_by_name(
    node: NodeProcess, enrolled: Enrolled, tmp_path: Path
) -> None:
    """By files, so that the name may be given with the answer too; a code that was refused stays good."""
    elsewhere = "http://127.0.0.1:10"
    for number, told in enumerate(("with which this site is enrolled", "which this site has left")):
        hub = StandInHub(pseudonym=Pseudonym(b"new%d" % number))
        request, response = tmp_path / "request", tmp_path / "response"
        node.ask("enrol", "--code", hub.code, "--request-out", str(request))
        response.write_bytes(hub.answer(request.read_bytes()))
        answered = ("--response-in", str(response), "--hub", elsewhere)
        refused = node.run("enrol", *answered)
        assert refused.status == 4
        assert f"{told}. Nothing was changed." in refused.err
        assert f'--again "{HUB_NAME}"' in refused.err
        joined = node.ask("enrol", *answered, "--again", HUB_NAME.upper())
        assert (joined["name"], joined["is_new"]) == (HUB_NAME, number == 1)
        assert node.ask("link", "show")["hub_url"] == elsewhere
        node.ask("site", "leave", HUB_NAME, "--abandon")
    assert node.ask("site", "hubs") == []
