"""What the terminal knows of its site is the latest it was told."""

from __future__ import annotations

from dataclasses import replace

from tests.tui import story
from tui.site import Site


def test_progress_replaces_the_same_bundle_even_when_sealing_changed_its_size() -> None:
    site = Site(transfers=story.transfers())
    moving = replace(story.transfers()[3], size_bytes=19_801, done_bytes=12_000)
    site.take_transfer(moving)
    assert len(site.transfers) == 5
    assert site.transfers[3] == moving


def test_of_two_alike_the_unfinished_one_moves() -> None:
    stored, going = (
        story.transfers()[0],
        replace(story.transfers()[0], stored_s=None, state="going", done_bytes=0),
    )
    site = Site(transfers=(stored, going))
    site.take_transfer(replace(going, done_bytes=200))
    assert site.transfers == (stored, replace(going, done_bytes=200))


def test_what_is_told_two_hubs_moves_for_each_of_them() -> None:
    duty, burns = (
        replace(story.transfers()[0], case=None, what="list aboard", state="going", hub=hub.name)
        for hub in story.HUBS
    )
    site = Site(transfers=(duty, burns))
    site.take_transfer(replace(burns, done_bytes=200))
    assert site.transfers == (duty, replace(burns, done_bytes=200))


def test_a_new_bundle_is_added() -> None:
    site = Site(transfers=story.transfers())
    site.take_transfer(replace(story.transfers()[0], what="order 1 done"))
    assert [each.what for each in site.transfers][-1] == "order 1 done"


def test_an_alarm_rings_once_and_an_acknowledged_one_never() -> None:
    site = Site()
    assert not site.alarms_to_ring()
    site.take_alarm(story.alarm(1))
    assert site.alarms_to_ring()
    site.take_alarm(story.alarm(1))
    assert not site.alarms_to_ring()
    site.take_alarm(story.alarm(2, acknowledged_by="J. Medic"))
    assert not site.alarms_to_ring()
    site.take_alarm(story.alarm(3))
    assert site.alarms_to_ring()


def test_locking_forgets_what_is_clinical() -> None:
    site = Site(status=story.status(), cases=story.rows(), transfers=story.transfers())
    site.lock()
    assert (site.cases, site.transfers) == ((), ())
    assert site.row(story.CHEST) is None
