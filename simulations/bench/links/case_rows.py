"""The rows of case A, a text and its reply, and of case C, the same with three photographs as taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from protocol.header import Priority
from simulations.bench.consult import Carriage
from simulations.links import LinkProfile, Outage
from simulations.peers import PeerCase
from sync.ports import Rank

from .scenario import HTTP, LOSSY_SEEDS, UDP, Figure, Finish, Gaps, Goal, Parcel, ReplyParcel, Scenario
from .stock import bench_link

_DARK: Final = tuple(Outage(20.0 + 60.0 * n, 20.0) for n in range(60))
"""40 s of light, 20 s of darkness; the word to begin comes half way through a light."""


def case_a_rows(consult: Carriage) -> tuple[Scenario, ...]:
    """The text of a case, and the reply back."""
    rows = (
        ("case-a-2k4", "2.4 kbit/s, RTT 1.8 s, 1 % loss", (2_400, 2_400, 1.8, 0.01), 10.0, 8.5),
        ("case-a-22k", "22/88 kbit/s, RTT 0.9 s", (22_000, 88_000, 0.9, 0.0), 2.0, 1.6),
        ("case-a-128k", "128/256 kbit/s, RTT 1 s", (128_000, 256_000, 1.0, 0.0), 1.5, 1.2),
        ("case-a-512k", "512 kbit/s, RTT 0.65 s, 2 % loss", (512_000, 512_000, 0.65, 0.02), 1.0, 0.8),
    )
    return tuple(
        Scenario(
            name=name,
            title=f"case A, {said}",
            link=bench_link(said, up, down, rtt_s, loss=loss),
            rounds=(_parcels(consult),),
            reply=ReplyParcel(sealed=consult.reply, answers="text"),
            finish=Finish.EXCHANGED,
            goals=(
                Goal(way=UDP, figure=Figure.SECONDS, reach=reach, stretch=stretch),
                Goal(way=HTTP, figure=Figure.SECONDS, reach=reach + rtt_s, stretch=stretch + rtt_s),
            ),
            seeds=LOSSY_SEEDS if loss else (1,),
            peer_case=_peer_case(consult),
        )
        for name, said, (up, down, rtt_s, loss), reach, stretch in rows
    )


def case_c_rows(consult: Carriage) -> tuple[Scenario, ...]:
    """The same with three photographs as the camera made them."""
    medium = bench_link("128/256 kbit/s, RTT 1 s", 128_000, 256_000, 1.0)
    certus = bench_link("22/88 kbit/s, RTT 0.9 s", 22_000, 88_000, 0.9)
    lossy = bench_link("512 kbit/s, RTT 0.65 s, 2 % loss", 512_000, 512_000, 0.65, loss=0.02)
    whole = Scenario(
        name="case-c-512k",
        title=f"case C, {lossy.title}",
        link=lossy,
        rounds=(_parcels(consult),),
        reply=ReplyParcel(sealed=consult.reply, answers="text"),
        finish=Finish.EXCHANGED,
        goals=(
            Goal(way=UDP, figure=Figure.SECONDS, reach=11.5, stretch=10.5),
            Goal(way=HTTP, figure=Figure.SECONDS, reach=11.5 + 0.65, stretch=10.5 + 0.65),
        ),
        seeds=LOSSY_SEEDS,
        peer_case=_peer_case(consult),
    )
    text = replace(
        whole,
        name="case-c-text",
        title=f"the text of case C readable at the hub, {medium.title}",
        link=medium,
        reply=None,
        finish=Finish.STORED,
        finishes_with="text",
        goals=(
            Goal(way=UDP, figure=Figure.SECONDS, reach=0.9, stretch=0.75),
            Goal(way=HTTP, figure=Figure.SECONDS, reach=1.8),
        ),
        seeds=(1,),
        peer_case=None,
    )
    dark = replace(
        whole,
        name="case-c-dark",
        title=f"case C, {medium.title}, 40 s light, 20 s dark",
        link=replace(medium, outages=_DARK),
        goals=_goals_in_darkness(medium, seconds=(63.0, 60.0), times_bytes=(1.10, 1.05)),
        seeds=(1,),
        limit_s=900.0,
    )
    gaps = replace(
        whole,
        name="case-c-gaps",
        title=f"case C, {certus.title}, 10-40 s dark every 30-90 s",
        link=certus,
        gaps=Gaps(light_s=(30.0, 90.0), dark_s=(10.0, 40.0)),
        goals=_goals_in_darkness(certus, seconds=(310.0, 300.0), times_bytes=(1.10, None)),
        limit_s=900.0,
    )
    return text, whole, dark, gaps


def _goals_in_darkness(
    link: LinkProfile, *, seconds: tuple[float, float], times_bytes: tuple[float, float | None]
) -> tuple[Goal, ...]:
    into_the_dark_bytes = link.up.rate_bit_s / 8 * (link.rtt_ms / 1000 + 1)
    return (
        Goal(way=UDP, figure=Figure.SECONDS, reach=seconds[0], stretch=seconds[1]),
        Goal(way=UDP, figure=Figure.TIMES_BYTES, reach=times_bytes[0], stretch=times_bytes[1]),
        Goal(way=UDP, figure=Figure.DARKNESS_BYTES, reach=into_the_dark_bytes),
    )


def _parcels(consult: Carriage) -> tuple[Parcel, ...]:
    photographs = (
        Parcel(name=f"photograph {n}", sealed=data, priority=Priority.URGENT, rank=Rank.FULL)
        for n, data in enumerate(consult.photographs, 1)
    )
    return (Parcel(name="text", sealed=consult.text), *photographs)


def _peer_case(consult: Carriage) -> PeerCase:
    return PeerCase(consult.text_json, consult.plain_photographs, consult.reply_json)
