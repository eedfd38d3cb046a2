"""The rows of the bench: what is sent over which link, and what we ask of ourselves there."""

from __future__ import annotations

from protocol.header import Priority
from simulations.bench.consult import Carriage
from simulations.peers import PeerCase
from sync.ports import Rank

from .case_rows import case_a_rows, case_c_rows
from .scenario import HTTP, LOSSY_SEEDS, UDP, Figure, Finish, Goal, Parcel, ReplyParcel, Scenario
from .stock import bench_link, chance_bytes, chance_parcel, plain_text


def scenarios(consult: Carriage) -> tuple[Scenario, ...]:
    """All rows; cases A and C are `consult` without and with its photographs."""
    return (
        *_small_syncs(),
        *_bulk(),
        *_interruptions(consult),
        *case_a_rows(consult.without_photographs()),
        *case_c_rows(consult),
    )


def _small_syncs() -> tuple[Scenario, ...]:
    dialup = bench_link("2.4 kbit/s, RTT 1.5 s", 2_400, 2_400, 1.5)
    text = (chance_parcel("text", 2_000),)
    peers = PeerCase(plain_text(2_000), (), plain_text(200))
    return (
        Scenario(
            name="sync-2k",
            title="2,000 B up, 200 B waiting for the call, 2.4 kbit/s, RTT 1.5 s",
            link=dialup,
            rounds=(text,),
            reply=ReplyParcel(sealed=chance_bytes("reply", 200), answers=None),
            finish=Finish.EXCHANGED,
            goals=(
                Goal(way=UDP, figure=Figure.SECONDS, reach=9.8, stretch=9.4),
                Goal(way=HTTP, figure=Figure.SECONDS, reach=12.5),
                Goal(way=UDP, figure=Figure.OVERHEAD_BYTES, reach=300, stretch=200),
                Goal(way=HTTP, figure=Figure.OVERHEAD_BYTES, reach=1_400),
            ),
            peer_case=peers,
        ),
        Scenario(
            name="answer-2k",
            title="2,000 B up, then 200 B written for it, 2.4 kbit/s, RTT 1.5 s",
            link=dialup,
            rounds=(text,),
            reply=ReplyParcel(sealed=chance_bytes("reply", 200), answers="text"),
            finish=Finish.EXCHANGED,
            goals=(
                Goal(way=UDP, figure=Figure.SECONDS, reach=9.8, stretch=9.4),
                Goal(way=HTTP, figure=Figure.SECONDS, reach=12.5),
            ),
        ),
        Scenario(
            name="nothing-new",
            title="nothing new, both ways",
            link=bench_link("22/88 kbit/s, RTT 0.9 s", 22_000, 88_000, 0.9),
            rounds=((chance_parcel("text", 500),), ()),
            finish=Finish.PARTED,
            goals=(
                Goal(way=UDP, figure=Figure.LINK_BYTES, reach=200, stretch=140),
                Goal(way=HTTP, figure=Figure.LINK_BYTES, reach=1_200),
            ),
        ),
    )


def _bulk() -> tuple[Scenario, ...]:
    hundred = Scenario(
        name="bulk-100k",
        title="100 kB, 64 kbit/s, RTT 0.6 s",
        link=bench_link("64 kbit/s, RTT 0.6 s", 64_000, 64_000, 0.6),
        rounds=((chance_parcel("photograph", 100_000, rank=Rank.FULL),),),
        finish=Finish.STORED,
        goals=tuple(Goal(way=way, figure=Figure.RATE_SHARE, reach=0.92, stretch=0.95) for way in (UDP, HTTP)),
    )
    return (hundred, *(_geo(loss, known) for loss in (0.01, 0.05) for known in (False, True)))


def _geo(loss: float, known: bool) -> Scenario:
    """20 MB, for a site that never used the link, or one whose last session found out what it can carry."""
    photographs = tuple(chance_parcel(f"photograph {n}", 5_000_000, rank=Rank.FULL) for n in range(4))
    past = (chance_parcel("earlier", 4_000_000, rank=Rank.FULL),)
    http = Goal(way=HTTP, figure=Figure.MEGABIT_S, reach=7 if loss < 0.03 else 6)
    return Scenario(
        name=f"geo-20m-loss-{loss * 100:.0f}{'-known' if known else ''}",
        title=f"20 MB, 10 Mbit/s, RTT 0.6 s, {loss:.0%} loss, rate {'remembered' if known else 'unknown'}",
        link=bench_link(f"10 Mbit/s, RTT 0.6 s, loss {loss:.0%}", 10_000_000, 10_000_000, 0.6, loss=loss),
        rounds=(past, photographs) if known else (photographs,),
        finish=Finish.STORED,
        goals=(
            Goal(way=UDP, figure=Figure.MEGABIT_S, reach=7.5, stretch=8.5 if known else None),
            *(() if known else (http,)),
        ),
        seeds=LOSSY_SEEDS,
        told_link=False,
        limit_s=180.0,
    )


def _interruptions(consult: Carriage) -> tuple[Scenario, ...]:
    own_s = len(consult.text) * 8 / 2_400
    bulk = chance_parcel("photograph", 5_000_000, priority=Priority.BULK, rank=Rank.FULL)
    emergency = Parcel(name="text", sealed=consult.text, priority=Priority.EMERGENCY, after_s=25.0)
    return (
        Scenario(
            name="cut-in-photograph",
            title="40 kB, 22/88 kbit/s: process killed and link cut in the middle",
            link=bench_link("22/88 kbit/s, RTT 0.9 s", 22_000, 88_000, 0.9),
            rounds=((chance_parcel("photograph", 40_000, rank=Rank.FULL),),),
            finish=Finish.EXCHANGED,
            killed_after_s=8.0,
            goals=tuple(
                Goal(way=way, figure=Figure.TWICE_BYTES, reach=4_096, stretch=1_024) for way in (UDP, HTTP)
            ),
        ),
        Scenario(
            name="emergency-overtakes",
            title="emergency text behind a 5 MB photograph, 2.4 kbit/s, RTT 1.5 s",
            link=bench_link("2.4 kbit/s, RTT 1.5 s", 2_400, 2_400, 1.5),
            rounds=((bulk, emergency),),
            finish=Finish.STORED,
            finishes_with="text",
            goals=tuple(
                Goal(way=way, figure=Figure.SECONDS, reach=3 + own_s, stretch=2 + own_s)
                for way in (UDP, HTTP)
            ),
        ),
    )
