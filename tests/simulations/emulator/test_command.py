"""`link list` shows what there is; `run --real` runs a program through a link and says what it weighed."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulations.cli import main
from simulations.emulator.show_command import Service, service_of
from simulations.links import Outage, ServicePlan, profile_names

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


def test_a_profile_is_shown_as_it_was_read() -> None:
    words = invoke("link", "show", "island-microwave").output
    recorded = "recorded over 2 h, from nothing (1.7% of it) to 20 Mbit/s"
    assert f"up:   17.3 Mbit/s on average, {recorded}; 4 ms ± 2" in words
    assert "round trip 8 ms" in words
    assert "without a gap in 30 d from its opening; recorded rates of nothing are not counted" in words
    passes = invoke("link", "show", "leo-passes").output
    assert "service: 2.9% of 30 d from its opening; gaps: 239, the longest 4.77 h" in passes
    boat = invoke("link", "show", "supply-boat").output
    assert "by a timetable, the first after 2 d" in " ".join(boat.split())
    messages = invoke("link", "show", "iridium-sbd").output
    assert "340 B up, 270 B down, one each 20 s" in messages
    assert "text of 1000 B up, at best: 45 s, USD 0.3600, messages: 3" in messages
    assert "text of 1000 B up, at best: 0.814 s, USD 0.0400" in invoke("link", "show", "certus-100").output
    assert json.loads(invoke("link", "show", "bgan", "--json").output)["name"] == "bgan"


def test_a_file_of_ones_own_is_shown_or_refused(tmp_path: Path) -> None:
    (tmp_path / "drive.csv").write_text("t_s,rate_bit_s\n0,64000\n10,0\n", encoding="utf-8")
    assert (
        "32 kbit/s on average, recorded over 20 s"
        in invoke("link", "show", str(tmp_path / "drive.csv")).output
    )
    (tmp_path / "drive.csv").write_text("t_s,rate_bit_s\n0,64000\n10,none\n", encoding="utf-8")
    refused = invoke("link", "show", str(tmp_path / "drive.csv"))
    assert refused.exit_code == 1
    assert "drive.csv, line 3: expected a number, found 'none'." in refused.output


def test_service_is_counted_span_by_span() -> None:
    plan = ServicePlan((Outage(10.0, 5.0), Outage(40.0, 20.0), Outage(95.0, 10.0)))
    assert service_of(plan, 100.0) == Service(looked_at_s=100.0, lit_s=70.0, gaps=3, darkest_s=20.0)


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


# Leaves a child behind, which holds our output open for as long as it lives.
LEAVES = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
print("ready", flush=True)
if sys.argv[1:]:
    signal.pause()
"""


def started(*command: str, options: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    run = "import sys; sys.argv[0] = 'sfsim'; from simulations.cli import main; main()"
    real = ["run", "--real", "lan", "--mode", "relay", "--hub-port", free_port(), "--json", *options, "--"]
    process = subprocess.Popen(
        [sys.executable, "-c", run, *real, sys.executable, "-c", LEAVES, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_what_the_program_left_behind_is_ended() -> None:
    process = started()
    words, _ = process.communicate(timeout=20)
    assert json.loads(words)["exit_status"] == process.returncode == 0


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_tells_what_had_crossed_and_leaves_nothing_running(by: signal.Signals) -> None:
    process = started("waits")
    os.killpg(process.pid, by)  # As a terminal tells all that runs in it.
    words, _ = process.communicate(timeout=20)
    assert process.returncode == 128 + by
    assert json.loads(words)["counters"]["up"]["bytes_sent"] == 0


def test_a_hub_that_never_listens_can_be_stopped() -> None:
    hub = shlex.join([sys.executable, "-c", LEAVES, "waits"])
    process = started(options=("--hub-command", hub))
    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"Error: Stopped before the hub's command listened: " in words


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
            ("run", "--real", "lan", "--hub-port", "9", "--hub-command", "'open", "--", "true"),
            2,
            "--hub-command cannot be split into words: No closing quotation",
        ),
        (("run", "--real", "lan", "--hub-port", "9", "--hub-command", " ", "--", "true"), 2, "is empty"),
        (
            ("run", "--real", "lan", "--hub-port", "9", "--packet-log", "/no/such/log.csv", "--", "true"),
            1,
            "The packet log /no/such/log.csv cannot be written: No such file or directory. Nothing was run.",
        ),
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
        (
            ("run", "--real", "iridium-sbd", "--hub-port", "9", "--", "true"),
            1,
            "carries whole messages and no packets, so no program can talk through it. Choose another",
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
