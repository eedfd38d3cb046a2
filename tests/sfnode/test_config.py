"""Settings: every value survives the file, every mistake in it is named, and a crash leaves a whole file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnode.config import (
    SETTINGS_BYTES_MAX,
    LinkMode,
    LinkSettings,
    NodeFolder,
    SiteSettings,
    default_folder,
    link_from,
    read_settings,
    write_settings,
)
from sfnode.errors import BadRequest, NotFound, Refused

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=24)
POSITIVE = st.floats(min_value=0.001, max_value=1e9)
LINKS = st.builds(
    LinkSettings,
    hub_url=st.none() | st.sampled_from(["http://hub.example:8080", "https://[2001:db8::1]/sf"]),
    name=NAMES,
    mode=st.sampled_from(LinkMode),
    poll_s=POSITIVE,
    usd_per_megabyte=POSITIVE,
    rate_bit_s=st.integers(1, 10**9),
    rtt_s=POSITIVE,
)
SETTINGS = st.builds(
    SiteSettings, site=TEXTS, language=TEXTS, alarm_command=st.lists(TEXTS, max_size=3).map(tuple), link=LINKS
)


@given(settings=SETTINGS)
def test_settings_come_back_as_they_were_written(
    settings: SiteSettings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("site") / "site.toml"
    write_settings(path, settings)
    assert read_settings(path) == settings
    assert [left.name for left in path.parent.iterdir()] == ["site.toml"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("site = ", "site.toml cannot be read"),
        ('site = "S"\nlangauge = "en"', "langauge is not a setting"),
        ("site = 7", "site cannot be 7"),
        ('site = "S"\nalarm_command = "siren"', "alarm_command cannot be 'siren'"),
        ('site = "S"\nalarm_command = [1]', "alarm_command cannot be"),
        ('site = "S"\nlink = 1', "must be a table"),
        ('site = "S"\n[link]\nmode = "always"', "hold, poll or manual"),
        ('site = "S"\n[link]\nrate_bit_s = true', "rate_bit_s cannot be True"),
        ('site = "S"\n[link]\nrate_bit_s = 0', "positive"),
        ('site = "S"\n[link]\npoll_s = nan', "positive"),
        ('site = "S"\n[link]\nusd_per_megabyte = inf', "usd-per-megabyte cannot be"),
        ('site = "S"\n[link]\nhub_url = "ftp://hub"', "A hub's address looks like"),
        ('site = "S"\n[link]\nhub_url = "http://hub:port"', "A hub's address looks like"),
        ('site = "S"\n[link]\nhub_url = "http://hub..example"', "A hub's address looks like"),
        ('site = "S"\n[link]\nhub_url = "http://my hub"', "A hub's address looks like"),
        ('site = "S"\n[link]\nhub_url = "http://me:secret@hub"', "A hub's address looks like"),
        ("#" * (SETTINGS_BYTES_MAX + 1), "larger than"),
        ('language = "en"', "site is missing"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(BadRequest, match=named):
        read_settings(path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadRequest, match="cannot be read"):
        read_settings(tmp_path / "site.toml")
    with pytest.raises(NotFound, match="sfnode init"):
        read_settings(tmp_path / "nothing.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(BadRequest, match="cannot be read"):
        read_settings(tmp_path / "folder.toml")


def test_changes_keep_what_they_do_not_name() -> None:
    base = LinkSettings(hub_url="http://a.example", poll_s=60.0)
    assert link_from({"mode": "hold", "name": None}, base) == LinkSettings(
        hub_url="http://a.example", poll_s=60.0, mode=LinkMode.HOLD
    )


def test_the_environment_names_the_folder_before_the_defaults() -> None:
    assert default_folder({"SFNODE_DATA": "/ship", "XDG_DATA_HOME": "/xdg"}) == Path("/ship")
    assert default_folder({"XDG_DATA_HOME": "/xdg"}) == Path("/xdg/sfnode")
    assert default_folder({}) == Path.home() / ".local/share/sfnode"


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot be made"):
        NodeFolder(tmp_path / "file" / "node").create()


def test_an_udp_address_is_kept_and_can_be_taken_away() -> None:
    link = link_from({"udp": "udp://hub.example:8471"})
    assert link.udp == "udp://hub.example:8471"
    assert link_from({"rate_bit_s": 9_600}, link).udp == "udp://hub.example:8471"
    assert link_from({"udp": ""}, link).udp == ""


@pytest.mark.parametrize(
    "address",
    ["hub.example:8471", "udp://hub.example", "http://hub:1", "udp://hub:1/x", "udp://h b:1", "udp://h:0"],
)
def test_an_udp_address_that_cannot_be_is_named(address: str) -> None:
    with pytest.raises(BadRequest, match="looks like udp://"):
        LinkSettings(udp=address)
