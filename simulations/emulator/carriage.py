"""Both lines of one link, and what an owner may ask of them whatever carries the packets."""

from __future__ import annotations

from typing import Generic, TypeVar, assert_never

from simulations.links import Line, open_models

from .control import Command, Reply, Request, Start
from .counters import LinkCounters

Cargo = TypeVar("Cargo")


class Carriage(Generic[Cargo]):
    """The up and the down line of a profile, with their own seeded randomness."""

    def __init__(self, start: Start) -> None:
        up, down = open_models(start.profile, start.seed)
        self.up = Line[Cargo](up)
        self.down = Line[Cargo](down)

    def answer(self, request: Request, now_s: float) -> Reply:
        """Do what the owner asks; forwards are only for carriers that have ports."""
        match request.command:
            case Command.CUT:
                self.up.cut()
                self.down.cut()
            case Command.RESTORE:
                self.up.restore(now_s)
                self.down.restore(now_s)
            case Command.COUNTERS:
                pass
            case Command.FORWARD_TCP | Command.FORWARD_UDP:
                return Reply(problem="This link has addresses of its own and forwards no ports.")
            case _:
                assert_never(request.command)
        return Reply(
            is_up=self.up.model.is_up(now_s),
            counters=self.counters(),
        )

    def counters(self) -> LinkCounters:
        """Packets and bytes so far."""
        return LinkCounters(up=self.up.counters(), down=self.down.counters())
