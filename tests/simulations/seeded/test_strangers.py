"""Worlds with strangers: lost devices, poison, guesses at codes, keys that went while a site was away."""

from __future__ import annotations

from typing import Any

from sfhub.app import Hub
from sfhub.services.applying import Applying
from simulations.hosts.hub_host import HubHost
from simulations.seeded.consult_schedule import HOUR_S, Answer, ConsultSchedule, NewConsult, ReadPlan
from simulations.seeded.consult_world import Setup, play_consults
from simulations.seeded.scenarios import check
from simulations.seeded.stranger_acts import SendPoison
from simulations.seeded.strangers import draw_strangers, stranger_of
from simulations.virtual.trace import Trace
from sync.ports import ReceivedBundle
from sync.stores.sqlite import SqlitePairStore

from .whole_plants import planted_in_stores, replace_method


def played(kind: str, seed: int) -> list[str]:
    """What this world of that kind has left in its trace; whatever breaks a law is raised."""
    assert stranger_of(seed) == kind
    lines: list[str] = []
    check("strangers", seed, Trace(lines.append))
    return lines


def has(lines: list[str], words: str) -> int:
    return sum(words in line for line in lines)


def test_poison_is_put_aside_and_everything_behind_it_arrives() -> None:
    lines = played("poison", 6)
    assert has(lines, "has poison to send") >= 4
    assert has(lines, "put a bundle aside") >= 2


def test_who_has_no_code_is_refused_and_the_site_joins_all_the_same() -> None:
    lines = played("attacked enrolment", 7)
    assert has(lines, "refuses a stranger")
    assert has(lines, "refuses an altered answer")
    assert has(lines, "is enrolled all the same")


def test_a_new_device_has_the_open_cases_of_the_lost_one() -> None:
    assert has(played("lost device", 9), "has a new device")


def test_a_hub_takes_nothing_from_a_revoked_device() -> None:
    """Which goes on knocking, and keeps what it has."""
    lines = played("revoked device", 5)
    revoked = next(line for line in lines if "RevokeKey" in line).split("'")[1]
    begin, end = (
        next(at for at, line in enumerate(lines) if what in line) for what in ("RevokeKey", "LoseDevice")
    )
    assert any("BytesHandedOut" in line and line.split()[1] == revoked for line in lines[begin:end])
    assert not any("ReceiptWritten" in line and f"hub:{revoked}" in line for line in lines[begin:end])


def test_what_was_sealed_for_a_key_that_is_gone_is_sealed_again() -> None:
    resealed: list[object] = []

    def counting(store: SqlitePairStore) -> None:
        reseal = store.reseal

        async def counted(**named: Any) -> object:
            offer = await reseal(**named)
            resealed.append(offer)
            return offer

        replace_method(store, "reseal", counted)

    assert stranger_of(8) == "keys gone while away"
    assert not play_consults(draw_strangers(8), setup=planted_in_stores(counting)).violations
    assert any(offer is not None for offer in resealed)


POISONED = ConsultSchedule(
    seed=1,
    sites=1,
    datagrams=True,
    loss=0.0,
    acts=(
        (1.0, NewConsult("site-0", "urgent", "Pale and sweating.")),
        (1 * HOUR_S, SendPoison("site-0", 7)),
        (1 * HOUR_S + 1.0, NewConsult("site-0", "urgent", "Sweating again.")),
        (6 * HOUR_S, Answer(1, False)),
        (8 * HOUR_S, ReadPlan("site-0")),
    ),
)


class DiesOfPoison(HubHost):
    """Its process ends whenever it opens what nobody has signed; nothing catches that."""

    deaths = 0

    def prepare(self, hub: Hub) -> None:
        applying: Applying = hub.ingest._applying
        apply = applying.apply

        async def dies(pair: Any, bundle: ReceivedBundle) -> Any:
            try:
                return await apply(pair, bundle)
            except Exception:
                DiesOfPoison.deaths += 1
                self.machine.crash()
                raise

        replace_method(applying, "apply", dies)


def test_a_bundle_that_kills_the_hub_is_put_aside_after_some_deaths() -> None:
    """Who dies of it again and again has noted beforehand which one was being opened."""
    DiesOfPoison.deaths = 0
    lines: list[str] = []
    court = play_consults(POISONED, trace=Trace(lines.append), setup=Setup(hub=DiesOfPoison))
    assert not court.violations
    assert DiesOfPoison.deaths == 8
    assert has(lines, "hub        starts again") == 8
    assert has(lines, "put a bundle aside") == 1
    assert court.heard["OrderShown"] >= 1
