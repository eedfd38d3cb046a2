"""How fast the wire format is on one core, as rates and as a ratio to a reference timed in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from protocol.bundle import EntryBundle, bundle_id_of, pack, unpack
from protocol.clinical import Note
from protocol.entry import forget_entries, read_entry, verify_entry
from protocol.header import Priority
from protocol.sealing import SealContext

from . import content
from .notes import notes
from .rows import Row

ROUNDS: Final = 200
REPEATS: Final = 5
_TEXT_BYTES: Final = 2_000


def speed_rows() -> list[Row]:
    """Open, verify and decode two text bundles; the reference is an HPKE open and an Ed25519 verify alone."""
    text = "\n".join(text for language, text in notes() if language == "en")
    notes_alone = [Note(language="en", text=text[:_TEXT_BYTES])]
    case = (content.case_opened(), content.patient(), content.note(), *content.vitals())
    return [
        *_rows("2 kB of notes", notes_alone),
        *_rows("the story's case with 20 rows of vitals", case),
    ]


def _rows(what: str, bodies: Sequence[Any]) -> list[Row]:
    bundle = EntryBundle((content.introduced(bodies),))
    context = SealContext(
        destination=content.HUB,
        origin=content.TO_HUB.origin,
        recipient_key=content.PREKEY.short_id,
        bundle_id=bundle_id_of(bundle, content.TO_HUB.pair_secret),
        priority=Priority.URGENT,
    )
    suite, sealed = content.SEALER.seal(pack(bundle), content.PREKEY, context)
    keys = {content.PREKEY.short_id: content.OPENING_KEY}
    public_key = content.SIGNING_KEY.public_key().public_bytes_raw()
    signed = bundle.entries[0]

    def whole() -> None:
        forget_entries()  # It comes for the first time.
        opened = unpack(content.SEALER.open(suite, sealed, keys, context))
        if isinstance(opened, EntryBundle):
            for entry in opened.entries:
                verify_entry(entry, public_key)
                read_entry(entry)

    def cryptography_alone() -> None:
        content.SEALER.open(suite, sealed, keys, context)
        verify_entry(signed, public_key)

    ours, reference = rate_per_s(whole), rate_per_s(cryptography_alone)
    return [
        Row(
            name=f"open, verify and decode {what} ({len(signed.payload)} B)",
            value=ours,
            unit="1/s",
            reference=reference,
            reach=1_500,
            stretch=2_200,
            more_is_better=True,
        ),
        Row(
            name="the same as a share of its cryptography's speed",
            value=ours / reference,
            unit="ratio",
            bound=1,
        ),
    ]


def rate_per_s(run: Callable[[], None]) -> float:
    """The best of several repeats: other work on the machine only ever slows one down."""
    best_s = float("inf")
    for _ in range(REPEATS):
        started_s = time.perf_counter()
        for _ in range(ROUNDS):
            run()
        best_s = min(best_s, time.perf_counter() - started_s)
    return ROUNDS / best_s
