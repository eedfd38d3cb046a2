"""How fast the wire format is on one core, as rates and as a ratio to a reference timed in the same run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from protocol.bundle import EntryBundle, unpack
from protocol.entry import read_entry, verify_entry
from protocol.sealing import HpkeSealer, prekey_id

from .rows import Row
from .wire import public_key, sealed_text_bundle

ROUNDS: Final = 200
REPEATS: Final = 5


def speed_rows() -> list[Row]:
    """Open, verify and decode a text bundle; the reference is one HPKE open and one Ed25519 verify alone."""
    sealed, context, suite, key = sealed_text_bundle()
    keys = {prekey_id(key.public_key().public_bytes_raw()): key}
    sealer = HpkeSealer(os.urandom)
    plain = sealer.open(suite, sealed, keys, context)
    content = unpack(plain)
    if not isinstance(content, EntryBundle):
        raise TypeError("the story's text is not an entry bundle")
    signed = content.entries[0]

    def whole() -> None:
        opened = unpack(sealer.open(suite, sealed, keys, context))
        if isinstance(opened, EntryBundle):
            for entry in opened.entries:
                verify_entry(entry, public_key())
                read_entry(entry)

    def cryptography_alone() -> None:
        sealer.open(suite, sealed, keys, context)
        verify_entry(signed, public_key())

    ours, reference = rate_per_s(whole), rate_per_s(cryptography_alone)
    return [
        Row(name="open, verify and decode a text bundle", value=ours, unit="1/s", reference=reference),
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
