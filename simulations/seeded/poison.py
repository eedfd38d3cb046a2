"""Bundles under true seals that hold what no bundle holds, put into the custody of who is to send them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from protocol.header import Suite
from protocol.ids import BUNDLE_ID_BYTES, BundleId, Pseudonym
from protocol.sealing import Prekey, SealContext, Sealer
from protocol.small_seal import SmallContext, SmallKey
from simulations.hostile.compressed import in_bundle
from simulations.virtual.network import HOST
from sync.ports import Rank
from sync.stores.sqlite import SqlitePairStore

DWELL_CODE: Final = 22
NOISE_BYTES_MAX: Final = 2_000


class RememberingSealer:
    """A sealer that remembers, of each host and pair, for whom it sealed last: its thief would, too."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self.open = sealer.open
        self.last: dict[tuple[str, Pseudonym], tuple[bytes, Prekey, SealContext]] = {}

    def seal(self, plain: bytes, recipient: Prekey, context: SealContext) -> tuple[Suite, bytes]:
        self.last[HOST.get(), context.origin] = plain, recipient, context
        return self._sealer.seal(plain, recipient, context)

    def seal_small(self, plain: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return self._sealer.seal_small(plain, key, context)

    def open_small(self, sealed: bytes, key: SmallKey, context: SmallContext) -> bytes:
        return self._sealer.open_small(sealed, key, context)


async def send_poison(
    sealer: RememberingSealer, store: SqlitePairStore, *, host: str, pair: Pseudonym, seed: int
) -> bool:
    """One such bundle, in front of what is not urgent; False while nothing was ever sealed there."""
    known = sealer.last.get((host, pair))
    if known is None:
        return False
    plain, recipient, context = known
    draw = random.Random(f"poison/{seed}")
    bundle_id = BundleId(draw.randbytes(BUNDLE_ID_BYTES))
    suite, sealed = sealer.seal(_poison(draw, plain), recipient, replace(context, bundle_id=bundle_id))
    sealer.last[host, pair] = known
    await store.add(
        bundle_id=bundle_id,
        priority=context.priority,
        rank=Rank.TEXT,
        recipient_key=recipient.short_id,
        dwell_code=DWELL_CODE,
        sealed=bytes((suite,)) + sealed,
    )
    return True


def _poison(draw: random.Random, plain: bytes) -> bytes:
    """Noise, a sample of what a parser must refuse, or something genuine that was spoilt."""
    samples = [sample for sample in in_bundle().values() if len(sample) <= NOISE_BYTES_MAX]
    at = draw.randrange(len(plain))
    return draw.choice(
        (
            draw.randbytes(draw.randint(1, NOISE_BYTES_MAX)),
            draw.choice(samples),
            plain[:at],
            plain[:at] + bytes((plain[at] ^ 1 << draw.randrange(8),)) + plain[at + 1 :],
            plain,
        )
    )
