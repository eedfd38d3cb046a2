"""`link list` shows what there is; `run --real` runs a program through a link and says what it weighed."""

from __future__ import annotations

import json
import shlex
import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulations.cli import main
from simulations.links import profile_names

# Answers one connection and ends.
HUB = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    site, _ = server.accept()
    with site:
        site.sendall(site.recv(100) * 10)
"""
SITE = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as hub:
    hub.sendall(b"x" * 100)
    received = b""
    while data := hub.recv(10_000):
        received += data
sys.exit(0 if received == b"x" * 1_000 else 9)
"""


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def test_every_profile_is_listed_with_its_rates() -> None:
    lines = invoke("link", "list").output.splitlines()
    assert [line.split()[0] for line in lines] == list(profile_names())
    certus = next(line for line in lines if line.startswith("certus-100"))
    for words in ("22 kbit/s up", "88 kbit/s down", "900 ms", "0.5%"):
        assert words in certus


def test_profiles_are_listed_for_programs_with_their_sources() -> None:
    listed = {entry["name"]: entry for entry in json.loads(invoke("link", "list", "--json").output)}
    assert set(listed) == set(profile_names())
    assert listed["iridium-dialup"]["tariff"]["usd_per_minute"] == 1.44
    assert listed["bgan"]["source"]


def run_through(*options: str) -> Result:
    hub = shlex.join([sys.executable, "-c", HUB])
    return invoke(
        *("run", "--real", "lan", "--mode", "relay", "--hub-port", free_port(), *options),
        *("--hub-command", f"{hub} {{host}} {{port}}"),
        *("--", sys.executable, "-c", SITE, "{hub_host}", "{hub_port}"),
    )


def test_a_program_runs_through_the_link_and_its_bytes_are_reported() -> None:
    result = run_through()
    assert result.exit_code == 0, result.output
    assert "user-space relay (as asked)" in result.output
    assert "IP bytes in" in result.output
    assert "cost: USD 0.0000" in result.output


def test_the_figures_come_as_json_too(tmp_path: Path) -> None:
    log = tmp_path / "packets.csv"
    result = run_through("--json", "--packet-log", str(log))
    outcome = json.loads(result.stdout)
    assert outcome["exit_status"] == 0
    assert outcome["counters"]["up"]["bytes_sent"] > 100
    assert outcome["counters"]["down"]["bytes_delivered"] > 1_000
    assert len(log.read_text(encoding="ascii").splitlines()) > 5


def test_the_status_of_the_program_is_ours() -> None:
    fails = (sys.executable, "-c", "raise SystemExit(7)")
    assert invoke("run", "--real", "lan", "--hub-port", "9", "--", *fails).exit_code == 7
    killed = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert invoke("run", "--real", "lan", "--hub-port", "9", "--", *killed).exit_code == 137


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (
            ("run", "--real", "sat", "--hub-port", "9", "--", "true"),
            1,
            "There is no link profile named 'sat'",
        ),
        (
            ("run", "--real", "lan", "--hub-port", "9", "--", "/no/such/program"),
            1,
            "/no/such/program cannot be started",
        ),
        (("run", "--real", "lan", "--hub-port", "0", "--", "true"), 2, "0 is not in the range"),
        (
            ("run", "--real", "lan", "--hub-port", "9", "--mode", "namespace", "--", "true"),
            2,
            "--mode namespace needs --hub-command",
        ),
        (
            (
                "run",
                "--real",
                "lan",
                "--mode",
                "relay",
                "--hub-port",
                "9",
                "--hub-command",
                "true",
                "--",
                "true",
            ),
            1,
            "The hub's command ended before it listened: true.",
        ),
    ],
)
def test_what_cannot_be_run_is_said_in_one_sentence(
    arguments: tuple[str, ...], status: int, says: str
) -> None:
    result = invoke(*arguments)
    assert result.exit_code == status
    assert says in result.output
    assert "Traceback" not in result.output


def test_help_is_that_of_the_command_which_is_meant() -> None:
    assert "--hub-command" in invoke("run", "--real", "lan", "--help").output
    worlds = invoke("run", "--help").output
    assert "--site-restores" in worlds
    assert "--hub-command" not in worlds
    assert "Missing argument 'COMMAND...'" in invoke("run", "--real", "lan", "--hub-port", "9").output


def test_a_bad_profile_file_is_refused_with_its_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "bad"\ntitle = "Bad"\nsource = "None."\nmtu_bytes = "big"\n', encoding="utf-8")
    result = invoke("run", "--real", str(bad), "--hub-port", "9", "--", "true")
    assert result.exit_code == 1
    assert "bad.toml, line 4: mtu_bytes: expected a whole number, found text (big)." in result.output
