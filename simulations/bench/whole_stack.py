"""How fast whole sites and their hub are played in virtual time, with their services and databases."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from protocol.sealing import HpkeSealer, Sealer
from simulations.hosts.ram_disk import temporary_disks
from simulations.hosts.sealer import EqualSizeSealer
from simulations.hosts.site import Site
from simulations.seeded.calm import draw_calm
from simulations.seeded.consult_schedule import ConsultSchedule
from simulations.seeded.consult_world import Setup, foundation_of, play_consults
from sync.stores.connection import Connection
from sync.stores.database import Database, Execution
from sync.stores.migrations import Schema

from .rows import Row

DEAR_S: Final = 14_400.0
"""Between the looks of a ship whose link is dear, as in the world `small-fleet`."""
SITES: Final = 4
DAYS: Final = 10
SEED: Final = 1
TRANSACTIONS: Final = 2_000
REPEATS: Final = 3


@dataclass(frozen=True, slots=True)
class _World:
    """One kind of world that is timed."""

    name: str
    setup: Setup
    reach: float | None = None


def whole_stack_rows() -> list[Row]:
    """Node-days for each second of one core; a node-day is a third of a case, and as many contacts as the
    row says.

    Every transaction happens, on disks of memory; where seals hide nothing, disks do not either. Beside it,
    how many small transactions of the same store take as long as one node-day.
    """
    transactions_s = max(_transactions_per_s() for _ in range(REPEATS))
    rows: list[Row] = []
    for world in _worlds():
        foundation_of(SITES, encrypts=world.setup.encrypts)  # Enrolment is no part of a day.
        rate = _node_days_per_s(world.setup)
        rows += [
            Row(
                name=f"whole sites and hub, {world.name}",
                value=rate,
                unit="node-days/s",
                reach=world.reach,
                more_is_better=True,
            ),
            Row(
                name=f"a node-day, {world.name}, in transactions of its store",
                value=transactions_s / rate,
                unit="transactions",
            ),
        ]
    return rows


def _worlds() -> Iterator[_World]:
    yield _World("24 contacts a day, real seals and disks", Setup(sealer=_real_sealer, watched=False), 10.0)
    plain = Setup(sealer=EqualSizeSealer, watched=False, encrypts=False)
    dear = partial(Site, poll_s=DEAR_S)
    yield _World("24 contacts a day, nothing encrypted", plain, 50.0)
    yield _World("the same, idle contacts accounted", replace(plain, plays_idle=False), 50.0)
    yield _World("6 contacts a day, nothing encrypted", replace(plain, site=dear))


def _real_sealer() -> Sealer:
    return HpkeSealer(os.urandom)


def _node_days_per_s(setup: Setup) -> float:
    """The best of several: other work on the machine only ever slows one down."""
    schedule = draw_calm(SEED, sites=SITES, days=DAYS)
    return max(SITES * DAYS / _spent_s(schedule, setup) for _ in range(REPEATS))


def _spent_s(schedule: ConsultSchedule, setup: Setup) -> float:
    began_s = time.process_time()
    court = play_consults(schedule, setup=setup)
    spent_s = time.process_time() - began_s
    court.require("the calm world that speed is measured with")
    return spent_s


def _transactions_per_s() -> float:
    with temporary_disks() as folder:
        return asyncio.run(_commit_many(folder / "reference.db"))


async def _commit_many(path: Path) -> float:
    schema = Schema(
        name="reference", steps=("CREATE TABLE fact (fact INTEGER PRIMARY KEY, text TEXT) STRICT;",)
    )
    database = await Database.open(path, [schema], execution=Execution.INLINE)
    try:
        began_s = time.process_time()
        for number in range(TRANSACTIONS):
            await database.write(partial(_insert, number=number))
        return TRANSACTIONS / (time.process_time() - began_s)
    finally:
        await database.close()


def _insert(connection: Connection, number: int) -> None:
    connection.execute("INSERT INTO fact (text) VALUES (?)", (f"fact {number}",))
