"""What happens in worlds whose disks fail by halves: refused statements and files, syncs that are lies."""

from __future__ import annotations

from dataclasses import dataclass

from simulations.faults import FileRefusal, Refusal
from simulations.hosts.life import Side


@dataclass(frozen=True, slots=True)
class RefuseStatements:
    """So many of the next statements of that kind fail in a machine's databases."""

    machine: str
    kind: Refusal
    times: int


@dataclass(frozen=True, slots=True)
class RefuseFiles:
    """For a while a machine cannot write files other than databases, nor where its backups go."""

    machine: str
    kind: FileRefusal
    span_s: float


@dataclass(frozen=True, slots=True)
class LieAndCut:
    """A machine's disk answers every sync and writes when it likes, until a power cut takes the newest."""

    machine: str
    span_s: float
    seed: int


@dataclass(frozen=True, slots=True)
class CutAtFile:
    """The power goes at one of the next calls of a machine's program about a file that is no database."""

    machine: str
    call: int
    side: Side
    seed: int


@dataclass(frozen=True, slots=True)
class AddPicture:
    """A medic photographs something for the case opened last, and sends it."""

    site: str
    seed: int


@dataclass(frozen=True, slots=True)
class BackUpHub:
    """Somebody at the hub makes a backup by its own command; it is read back before anybody relies on it."""


DiskTrouble = RefuseStatements | RefuseFiles | LieAndCut | CutAtFile
DiskAct = DiskTrouble | AddPicture | BackUpHub
