"""Every random byte of the process, drawn from a seed while a simulated world lives.

A session salt, a case id, a key or a jittered pause that came from the machine would make two runs of one
seed differ. Replacing the sources once, here, misses none; that nothing slips through is what the test with
two processes shows. HPKE draws its ephemeral keys inside its library: they touch ciphertext alone, which no
trace holds.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

KEY_BYTES: Final = 32


@contextmanager
def seeded_entropy(seed: int | str) -> Iterator[random.Random]:
    """While the context lasts; gives the source to whoever needs more of it. Not for two worlds at once."""
    source = random.Random(f"entropy/{seed}")
    replaced: list[tuple[Any, str, Any]] = [
        (os, "urandom", source.randbytes),
        # What `secrets` and `random.SystemRandom` draw from.
        (random, "_urandom", source.randbytes),
        (Ed25519PrivateKey, "generate", _keys_of(Ed25519PrivateKey.from_private_bytes, source)),
        (X25519PrivateKey, "generate", _keys_of(X25519PrivateKey.from_private_bytes, source)),
    ]
    before = [(holder, name, holder.__dict__[name]) for holder, name, _ in replaced]
    state = random.getstate()
    random.seed(source.getrandbits(64))
    for holder, name, stand_in in replaced:
        setattr(holder, name, stand_in)
    try:
        yield source
    finally:
        for holder, name, original in before:
            setattr(holder, name, original)
        random.setstate(state)


def _keys_of(from_bytes: Callable[[bytes], Any], source: random.Random) -> Any:
    return staticmethod(lambda: from_bytes(source.randbytes(KEY_BYTES)))
