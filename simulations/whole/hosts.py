"""A site and a hub with people at their screens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sfhub.app import Hub
from sfnode.app import Daemon
from simulations.hosts.hub_host import HubHost
from simulations.hosts.site import Site


class StaffedSite(Site):
    """Somebody is told of each life of its daemon."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.on_daemon: Callable[[Daemon], None] = lambda daemon: None

    def prepare(self, daemon: Daemon) -> None:
        self.on_daemon(daemon)


class StaffedHub(HubHost):
    """Somebody is told of each life of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.on_hub: Callable[[Hub], None] = lambda hub: None

    def prepare(self, hub: Hub) -> None:
        self.on_hub(hub)
