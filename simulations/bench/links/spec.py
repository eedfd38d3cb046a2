"""What the bench tells the programs at the two ends of a link, and what they answer: JSON, one object a line.

Both ends are ours and talk over their own pipes, so a malformed line is our own bug and ends the run.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, TypeVar

from protocol.header import Priority
from protocol.ids import BUNDLE_ID_BYTES, BundleId, Pseudonym
from sync.ports import Rank
from sync.stores.sqlite import SqlitePairStore

PAIR: Final = Pseudonym(b"pair")
LINK_SECRET: Final = bytes(range(32))
RECIPIENT_KEY: Final = b"kk"
DWELL_CODE: Final = 21

Spec = TypeVar("Spec", "SiteSpec", "HubSpec")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSpec:
    """One bundle, its bytes in a file."""

    name: str
    file: str
    priority: int
    rank: int
    after_s: float = 0.0

    @property
    def bundle_id(self) -> BundleId:
        return bundle_id_named(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSpec:
    """For `site_end`."""

    folder: str
    way: str
    host: str
    port: int
    rate_bit_s: int | None
    """What whoever set the site up knew of the link; None for nothing."""
    rtt_s: float | None
    rounds: tuple[tuple[ParcelSpec, ...], ...]
    awaits_reply: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSpec:
    """For `hub_end`."""

    folder: str
    way: str
    host: str
    port: int
    reply: ParcelSpec | None = None
    answers: str = ""
    """The name of the bundle that the reply is written for; empty if it waits for any call."""


def bundle_id_named(name: str) -> BundleId:
    """The same at both ends, so that a line can speak of a bundle."""
    return BundleId(blake2b(name.encode(), digest_size=BUNDLE_ID_BYTES).digest())


async def add(store: SqlitePairStore, parcel: ParcelSpec) -> None:
    """Take a bundle into custody; one that is there already changes nothing."""
    await store.add(
        bundle_id=parcel.bundle_id,
        priority=Priority(parcel.priority),
        rank=Rank(parcel.rank),
        recipient_key=RECIPIENT_KEY,
        dwell_code=DWELL_CODE,
        sealed=await asyncio.to_thread(Path(parcel.file).read_bytes),
    )


def write_spec(spec: SiteSpec | HubSpec, path: Path) -> None:
    path.write_text(json.dumps(asdict(spec)))


def read_site_spec(path: Path) -> SiteSpec:
    value = json.loads(path.read_text())
    rounds = tuple(tuple(ParcelSpec(**parcel) for parcel in parcels) for parcels in value.pop("rounds"))
    return SiteSpec(**value, rounds=rounds)


def read_hub_spec(path: Path) -> HubSpec:
    value = json.loads(path.read_text())
    reply = value.pop("reply")
    return HubSpec(**value, reply=None if reply is None else ParcelSpec(**reply))


async def words() -> asyncio.StreamReader:
    """What whoever measures says to this process."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def tell(event: str, **facts: object) -> None:
    """One line for whoever measures, with the moment by the one monotonic clock of the machine."""
    line: dict[str, Any] = {"event": event, "at_s": time.monotonic(), **facts}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
