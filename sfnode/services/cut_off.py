"""Joining or leaving a hub that was cut off between vault and spool, in words: neither ends by itself."""

from __future__ import annotations

from collections.abc import Sequence

from sfnode.spool.pairing import Pairing
from sfnode.vault.hubs import Hub


def cut_off_sentences(hubs: Sequence[Hub], pairings: Sequence[Pairing]) -> tuple[str, ...]:
    """Of the hubs that the vault knows, those which the spool knows otherwise."""
    reached = {each.hub: each.pseudonym for each in pairings}
    left = [hub.name for hub in hubs if hub.left_s is not None and hub.hub in reached]
    joined = [hub.name for hub in hubs if hub.left_s is None and reached.get(hub.hub) != hub.pseudonym]
    return (*map(_leaving_sentence, left), *map(_joining_sentence, joined))


def _joining_sentence(name: str) -> str:
    return (
        f"Joining {name} was cut off: what is written for it is safe, and stays here until it is joined. "
        "Repeat `sfnode enrol` with the same code. If that is refused, ask it for another code and add "
        f'--again "{name}"; or give it up with `sfnode site leave "{name}"`.'
    )


def _leaving_sentence(name: str) -> str:
    return (
        f"Leaving {name} was cut off: nothing new is sealed for it, and what it sends is still read. Repeat "
        f'`sfnode site leave "{name}"`, or stay with it: `sfnode enrol` with a new code and --again "{name}".'
    )
