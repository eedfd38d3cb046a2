"""A hub behind TLS and a site that pins its key, as real processes, from enrolment to status."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.hub_process import HubProcess
from tests.sfnode.node_process import NodeProcess
from tests.sync.links.test_tls import LONG_AGO, Files, make, new_key


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Expired long ago and for another host: only the key counts."""
    return make(tmp_path, ends=LONG_AGO.replace(year=2002), host="192.0.2.7", key=new_key())


def test_a_site_enrols_and_syncs_over_https_with_the_pin_that_the_hub_prints(
    tmp_path: Path, files: Files
) -> None:
    hub, node = HubProcess(tmp_path / "hub"), NodeProcess.at(tmp_path / "site")
    hub.found()
    serving = subprocess.Popen(
        [
            *(sys.executable, "-m", "sfhub.cli", "--data", str(hub.data), "serve", "--listen", "127.0.0.1:0"),
            *("--tls-cert", str(files.certificate), "--tls-key", str(files.key)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        assert serving.stderr is not None
        pin = serving.stderr.readline().split()[-1]
        url = serving.stdout.readline().split()[-1]
        assert url.startswith("https://127.0.0.1:")
        node.found()
        code = hub.ask("enrol", "new", "--site", "MV EXAMPLE")["code"]
        secret = ("--passphrase-file", str(node.passphrase_file))
        untrusted = node.run(*secret, "enrol", "--hub", url, "--code", code)
        assert (untrusted.status, "not trusted here" in untrusted.err) == (5, True), untrusted.err
        node.ask("link", "set", "--pin", pin, "--mode", "manual")
        node.ask("enrol", "--hub", url, "--code", code)
        assert node.ask("sync", "--once")["complete"]
        medium = node.ask("link", "status")["medium"]
        assert medium[0] == "http: both directions at once"
        assert medium[1].startswith("congestion control: ")
        assert node.ask("status")["medium"] == medium
    finally:
        node.stop()
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=30)


def test_a_hub_whose_files_cannot_be_served_does_not_start(tmp_path: Path, files: Files) -> None:
    hub = HubProcess(tmp_path / "hub")
    hub.found()
    alone = hub.run("serve", "--tls-cert", str(files.certificate))
    assert (alone.status, "Give both" in alone.err) == (2, True)
    files.key.write_text("no key")
    refused = hub.run("serve", "--tls-cert", str(files.certificate), "--tls-key", str(files.key))
    assert (refused.status, "Nothing was started" in refused.err) == (1, True)


def test_a_pin_that_is_none_or_fits_no_address_is_refused(tmp_path: Path) -> None:
    node = NodeProcess.at(tmp_path / "site")
    node.found()
    try:
        assert "64 hexadecimal digits" in node.run("link", "set", "--pin", "sha256:abc").err
        pin = "sha256:" + "ab" * 32
        plain = node.run("link", "set", "--pin", pin, "--hub", "http://127.0.0.1:1")
        assert (plain.status, "only be pinned for https://" in plain.err) == (2, True)
        node.ask("link", "set", "--pin", pin, "--hub", "https://127.0.0.1:1", "--mode", "manual")
        assert node.ask("link", "set", "--pin", "", "--hub", "http://127.0.0.1:1")["pin"] == ""
    finally:
        node.stop()
