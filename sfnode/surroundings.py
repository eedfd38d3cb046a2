"""What a node runs in: clocks, links, chance and threads, the machine's own or simulated ones."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from protocol.sealing import HpkeSealer, Sealer
from sync.ports import Dialer
from sync.stores.ballast import Ballast
from sync.stores.database import Execution, ThreadFactory

from .config import LinkSettings
from .services.clock import SiteClock, SystemClock
from .services.clock_watch import watch_clocks
from .services.contact import Pair
from .services.dialers import Dialers
from .services.link_watch import watch_links


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """By default the machine's own."""

    clock: SiteClock = field(default_factory=SystemClock)
    sealer: Sealer = field(default_factory=lambda: HpkeSealer(os.urandom))
    dialer_for: Callable[[LinkSettings, Pair], Dialer] = field(default_factory=Dialers)
    watch_network: Callable[[Callable[[], None]], Awaitable[None]] = watch_links
    """Calls back whenever the network has changed, until cancelled."""
    watch_clocks: Callable[[SiteClock, Callable[[], None]], Awaitable[None]] = watch_clocks
    """Calls back whenever the clocks did what no timer foresees, until cancelled."""
    execution: Execution | ThreadFactory = Execution.THREADS
    """Where the vault's transactions run; the spool is opened by whoever makes the daemon."""
    random_bytes: Callable[[int], bytes] = os.urandom
    ballast: Ballast | None = None
    """Space set aside on the node's disk, which the spool was opened with."""
