"""What the site should know: hinted at where everybody looks, whole in the outbox, gone once it was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sfnode.views import ArrivalView, BundlePriceView, to_primitive
from tests.tui import story
from tests.tui.driving import terminal
from tests.tui.fake_daemon import FakeDaemon
from tests.tui.test_case_screen import open_case
from tui.lines import text_of
from tui.sheets.frame import status_line
from tui.site import Site

HELD = (
    "2 routine items (0.4 kB) held back: vsat carries nothing below urgent; lband carries nothing below "
    "urgent. What was written is safe and stays queued. To let it go: `sfnode link set vsat --floor bulk`."
)
BUNDLE = BundlePriceView(
    what="text", priority="routine", size_bytes=47_000, link=None, seconds=None, usd=None
)
PRICE = replace(
    story.PRICE,
    links=(replace(story.PRICE.links[0], held="certus-100 carries nothing below urgent"),),
    bundles=(BUNDLE,),
)


def told(daemon: FakeDaemon) -> None:
    daemon.status = story.status(notices=(HELD, "The hub was restored."))


@pytest.mark.parametrize("width", [80, 120])
async def test_notices_are_counted_at_home_and_whole_in_the_outbox(tmp_path: Path, width: int) -> None:
    async with terminal(tmp_path, prepare=told, size=(width, 24)) as driven:
        await driven.wait_text("! 2 notices: o")
        await driven.press("o")
        await driven.wait_text("NOTICES")
        shown = " ".join(driven.text.split())
        assert f"! {HELD}" in shown
        assert "! The hub was restored." in shown
        driven.daemon.status = story.status()
        await driven.press("x")
        await driven.wait_gone("NOTICES")
        assert len(driven.daemon.asked("notices_seen")) == 1
        await driven.press("x")
        await driven.wait_text("There is no notice.")


async def test_without_notices_nothing_hints_at_any(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        await driven.wait_text("CASES")
        assert "notice" not in driven.text


async def test_what_would_be_held_back_is_said_before_and_after_sending(tmp_path: Path) -> None:
    async with terminal(tmp_path) as driven:
        driven.daemon.answers_instead["price"] = to_primitive(PRICE)
        driven.daemon.answers_instead["send"] = {
            "bundles": [to_primitive(each) for each in story.transfers()],
            "bytes": 46_812,
            "seconds": 38.5,
            "usd": 0.27,
            "price": to_primitive(PRICE.links[0]),
            "held_count": 1,
        }
        await open_case(driven, "Rash")
        await driven.press("s")
        await driven.wait_text("once it may go: now")
        driven.read()
        await driven.press("s")
        await driven.wait_text("held back: certus-100 carries nothing below urgent.")
        assert "about 39 s" not in driven.text


ARRIVAL = ArrivalView(
    when="between 22:10Z and 22:50Z", by="by 22:50Z", basis="from 12 past contacts", contacts=12
)
FORETOLD = replace(
    story.PRICE,
    links=(
        replace(story.PRICE.links[0], window="7 of 9 past windows were long enough to finish in this one"),
    ),
    bundles=(replace(BUNDLE, link="certus-100", arrival=ARRIVAL),),
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_when_it_is_likely_there_is_said_before_and_after_sending(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with terminal(tmp_path, size=size) as driven:
        driven.daemon.answers_instead["price"] = to_primitive(FORETOLD)
        driven.daemon.answers_instead["send"] = {
            "bundles": [to_primitive(each) for each in story.transfers()],
            "bytes": 46_812,
            "seconds": 38.5,
            "usd": 0.27,
            "price": to_primitive(FORETOLD.links[0]),
            "held_count": 0,
            "arrival": FORETOLD.arrival,
        }
        await open_case(driven, "Rash")
        await driven.press("s")
        await driven.wait_text("to finish in this one.")
        asked = " ".join(driven.text.split())
        assert "Likely at the hub between 22:10Z and 22:50Z (from 12 past contacts)." in asked
        driven.read()
        await driven.press("s")
        await driven.wait_text("Queued 5 items")
        assert "Likely at the hub between 22:10Z and 22:50Z" in " ".join(driven.text.split())


@pytest.mark.parametrize("width", [80, 120])
async def test_the_outbox_says_what_was_foretold_and_how_far_to_trust_it(tmp_path: Path, width: int) -> None:
    def prepare(daemon: FakeDaemon) -> None:
        daemon.status = story.status(forecasts="97 of the last 100 arrived inside what was told")
        waiting = next(each for each in story.transfers() if each.stored_s is None and each.direction == "up")
        daemon.answers_instead["transfers"] = [
            to_primitive(replace(waiting, state="waiting for link", arrival="likely 22:10Z to 22:50Z"))
        ]

    async with terminal(tmp_path, prepare=prepare, size=(width, 24)) as driven:
        await driven.wait_text("CASES")
        await driven.press("o")
        await driven.wait_text("likely 22:10Z to 22:50Z")
        assert "waiting for link" in driven.text
        assert "97 of the last 100 arrived inside what was told" in driven.text


def test_a_narrow_status_line_names_the_link_that_works_and_the_money() -> None:
    words = "up, vsat; lband down since 05:47Z: The link to http://hub.example broke or cannot be reached"
    site = Site(status=story.status(link=words))
    narrow = text_of(status_line(site, story.NOW_S, 0, 80))
    assert "link up, vsat  unsent 3 items 41 kB  $4.10" in narrow
    assert "lband" not in narrow
    assert "lband down since" in text_of(status_line(site, story.NOW_S, 0, 200))
