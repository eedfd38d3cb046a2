"""Real processes of ours carry small parcels over a relayed link, and tell what became durable and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulations.bench.links.end_process import end_process
from simulations.bench.links.line import darkness_bytes
from simulations.bench.links.ours import measure_ours
from simulations.bench.links.scenario import Finish, Parcel, ReplyParcel, Scenario
from simulations.emulator import EmulatorError
from simulations.links import DirectionProfile, LinkProfile, Outage

DIRECTION = DirectionProfile(rate_bit_s=4_000_000, delay_ms=5.0, queue_bytes=262_144)
LINK = LinkProfile("test", "Test link", "Made for tests.", DIRECTION, DIRECTION, 1_500)
TEXT = Parcel(name="text", sealed=bytes(range(250)) * 4)
LIMIT_S = 30.0


def scenario(
    *rounds: tuple[Parcel, ...],
    finish: Finish = Finish.EXCHANGED,
    reply: ReplyParcel | None = None,
    killed_after_s: float | None = None,
) -> Scenario:
    return Scenario(
        name="row",
        title="a row",
        link=LINK,
        rounds=rounds,
        finish=finish,
        goals=(),
        reply=reply,
        killed_after_s=killed_after_s,
    )


@pytest.mark.parametrize("way", ["udp", "http"])
async def test_a_text_goes_up_and_its_reply_comes_back(way: str, tmp_path: Path) -> None:
    asked = scenario((TEXT,), reply=ReplyParcel(sealed=bytes(200), answers="text"))
    outcome = await measure_ours(asked, way, 1, mode="relay", limit_s=LIMIT_S, folder=tmp_path)
    assert outcome.reason == ""
    assert outcome.seconds is not None
    assert outcome.bound_s is not None
    assert outcome.seconds >= outcome.bound_s
    assert outcome.up_bytes > 1_000
    assert outcome.down_bytes > 200
    assert outcome.twice_bytes == 0


async def test_only_the_last_round_is_measured(tmp_path: Path) -> None:
    nothing_new = scenario((Parcel(name="past", sealed=bytes(50_000)),), (), finish=Finish.PARTED)
    outcome = await measure_ours(nothing_new, "udp", 1, mode="relay", limit_s=LIMIT_S, folder=tmp_path)
    assert outcome.seconds is not None
    assert 0 < outcome.up_bytes + outcome.down_bytes < 1_000


async def test_a_killed_site_goes_on_by_what_is_on_its_disk(tmp_path: Path) -> None:
    photograph = Parcel(name="photograph", sealed=bytes(1_000_000))
    cut = scenario((photograph,), killed_after_s=0.5)
    outcome = await measure_ours(cut, "udp", 1, mode="relay", limit_s=LIMIT_S, folder=tmp_path)
    assert outcome.reason == ""
    assert outcome.twice_bytes is not None


async def test_a_run_that_takes_too_long_is_broken_off(tmp_path: Path) -> None:
    endless = scenario((Parcel(name="photograph", sealed=bytes(4_000_000)),))
    outcome = await measure_ours(endless, "udp", 1, mode="relay", limit_s=0.5, folder=tmp_path)
    assert (outcome.seconds, outcome.reason) == (None, "not done in 0 s")


async def test_an_end_that_fails_says_why(tmp_path: Path) -> None:
    spec = tmp_path / "hub.json"
    spec.write_text("{}")
    with pytest.raises(ExceptionGroup) as failed:
        async with end_process("simulations.bench.links.hub_end", spec, list) as hub:
            await hub.wait_for("listening")
    (failure,) = failed.value.exceptions
    assert isinstance(failure, EmulatorError)
    assert "An end of the bench ended too early" in str(failure)
    assert "KeyError" in str(failure)


def test_darkness_takes_what_was_under_way_when_it_began(tmp_path: Path) -> None:
    log = tmp_path / "packets.csv"
    log.write_text(
        "time_s,direction,bytes,fate,departs_s,arrives_s\n"
        "1.0,up,100,arrives,1.0,1.5\n"
        "9.8,up,200,no-service,9.9,10.4\n"
        "12.0,up,40,no-service,12.0,12.0\n"
        "12.0,down,999,no-service,12.0,12.0\n"
        "31.0,up,150,no-service,31.0,31.0\n"
        "33.0,up,50,lost,33.0,33.0\n"
    )
    assert darkness_bytes(log, (Outage(10.0, 10.0), Outage(30.0, 2.0)), "up") == 240
