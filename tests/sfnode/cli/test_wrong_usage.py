"""Whatever is typed wrong is answered with one sentence and the exit status that scripts rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfnode.cli import main
from sfnode.cli.root import COMMANDS
from tests.sfnode.node_process import NEW_CASE, NodeProcess

OK, USAGE, NOT_FOUND, REFUSED = 0, 2, 3, 4


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("nonsense",), USAGE, "No such command 'nonsense'."),
        (("--nonsense",), USAGE, "No such option"),
        (("status", "superfluous"), USAGE, "Got unexpected extra argument"),
        (("init", "--medic", "Medic"), USAGE, "Missing option '--site'"),
        (("init", "--site", "S", "--medic", "M", "--role", "captain"), USAGE, "Invalid value for '--role'"),
        (("case", "new", "--template", "general"), USAGE, "Missing option '--urgency'"),
        (("case", "new", "--urgency", "extreme"), USAGE, "Invalid value for '--urgency'"),
        (("case", "show"), USAGE, "Missing argument 'CASE'"),
        (("vitals", "add", "C-1", "--hr", "fast"), USAGE, "Invalid value for '--hr'"),
        (("vitals", "add", "C-1", "--bp", "98-60"), USAGE, "A blood pressure looks like 98/60"),
        (("vitals", "add", "C-1", "--at", "yesterday"), USAGE, "A moment looks like"),
        (("vitals", "add", "C-1", "--at", "2026-11-22T10:00"), USAGE, "does not say its time zone"),
        (("vitals", "add", "C-1", "--acvpu", "X"), USAGE, "Invalid value for '--acvpu'"),
        (("vitals", "add", "C-1", "--file", "/nonexistent"), NOT_FOUND, "There is no file /nonexistent"),
        (("vitals", "add", "C-1", "--file", "/dev/null"), USAGE, "/dev/null is not JSON"),
        (("vitals", "add", "C-1", "--file", "/dev/null", "--hr", "60"), USAGE, "Give readings as options"),
        (("note", "add", "C-1"), USAGE, "Give the text with --text or --file"),
        (("note", "add", "C-1", "--file", "/dev/zero"), USAGE, "/dev/zero is larger than"),
        (("note", "correct", "C-1", "a1b2c3d4"), USAGE, "Give the text with --text or --file"),
        (("question", "answer", "C-1", "4"), USAGE, "Give the answer, or --why-not"),
        (("question", "answer", "C-1", "4", "--why-not", "x"), USAGE, "Invalid value for '--why-not'"),
        (("treatment", "add", "C-1"), USAGE, "Missing option '--what'"),
        (("patient", "update", "C-1"), USAGE, "Say what has changed"),
        (("photo", "add", "C-1", "x.jpg"), USAGE, "Missing option '--caption'"),
        (("order", "done", "C-1", "first"), USAGE, "Invalid value for 'NUMBER'"),
        (("order", "refuse", "C-1", "1"), USAGE, "Missing option '--reason'"),
        (("alarm", "ack", "1"), USAGE, "Missing option '--by'"),
        (("capability", "set", "/nonexistent"), NOT_FOUND, "There is no file /nonexistent"),
        (("capability", "set", "/dev/null"), USAGE, "/dev/null has no [[item]] tables"),
        (("link", "set", "--mode", "always"), USAGE, "Invalid value for '--mode'"),
        (("enrol", "--hub", "http://h"), USAGE, "Give the one-time code"),
        (("enrol", "--code", "A"), USAGE, "Give the hub's address"),
        (("enrol", "--response-in", "f"), USAGE, "With --response-in give --hub"),
        (("enrol", "--response-in", "/nonexistent", "--hub", "http://h"), REFUSED, "/nonexistent cannot be"),
        (("status",), NOT_FOUND, "There is no site in"),
        (("serve",), NOT_FOUND, "There is no site in"),
        (("stop",), NOT_FOUND, "There is no site in"),
        (("sync", "--once"), NOT_FOUND, "There is no site in"),
        (NEW_CASE, NOT_FOUND, "There is no site in"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_one_sentence_and_the_right_status(
    arguments: tuple[str, ...],
    status: int,
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--data", str(tmp_path / "empty"), "--no-input", *arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("sfnode: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == OK
    assert capsys.readouterr().out.startswith("Usage: ")


def test_the_list_of_commands_tells_what_each_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == OK
    words = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {line}" in words for name, (_, line) in COMMANDS.items())


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("case", "show", "C-0000"), NOT_FOUND, "C-0000"),
        (("vitals", "add", "{case}", "--hr", "4000"), REFUSED, "heart_rate_min"),
        (("vitals", "add", "{case}", "--temp", "38.65"), REFUSED, "temperature_c"),
        (("vitals", "add", "{case}"), REFUSED, "no reading"),
        (("photo", "add", "{case}", "/nonexistent.jpg", "--caption", "ECG"), NOT_FOUND, "nonexistent.jpg"),
        (("photo", "add", "{case}", "/etc/passwd", "--caption", "ECG"), REFUSED, "not"),
        (("order", "confirm", "{case}", "1"), NOT_FOUND, "1"),
        (("plan", "accept", "{case}"), REFUSED, "plan"),
        (("alarm", "ack", "7", "--by", "Medic"), NOT_FOUND, "7"),
        (("alarm", "ack", "100007", "--by", "Medic"), NOT_FOUND, "100007"),
        (("transfers", "--case", "zzzz"), NOT_FOUND, "zzzz"),
        (("link", "set", "--hub", "hub.example"), USAGE, "A hub's address looks like"),
        (("link", "set", "--poll-s", "-1"), USAGE, "poll-s"),
        (("enrol", "--hub", "http://127.0.0.1:9", "--code", "SHORT"), REFUSED, "16 letters and digits"),
        (("case", "new", "--template", "none", *NEW_CASE[4:]), NOT_FOUND, "template"),
        (("case", "new", *NEW_CASE[2:], "--age", "400"), REFUSED, "age_years"),
        (("case", "new", *NEW_CASE[2:], "--allergy", "penicillin"), REFUSED, "llergies"),
        (("init", "--site", "Another", "--medic", "Medic"), REFUSED, "There is a site in"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_the_daemon_refuses_reads_the_same(
    arguments: tuple[str, ...], status: int, sentence: str, shared_node: tuple[NodeProcess, str]
) -> None:
    node, case = shared_node
    ran = node.run(
        *("--passphrase-file", str(node.passphrase_file)), *(part.format(case=case) for part in arguments)
    )
    assert ran.status == status, ran.err
    assert sentence in ran.err
    assert ran.err.startswith("sfnode: ")
    assert ran.err.count("\n") == 1


def test_commands_that_only_ask_import_no_heavy_library() -> None:
    """Typing a command wrong, or asking for help, must not cost a slow machine half a second."""
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from sfnode.cli import main\n"
        "main(['--help']); main(['vitals', 'add', '--help']); main(['nonsense'])\n"
        "heavy = {'asyncio', 'aiohttp', 'aiosqlite', 'textual', 'PIL', 'cryptography', 'zstandard'}\n"
        "print(heavy & set(sys.modules), file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.splitlines()[-1] == "set()"
