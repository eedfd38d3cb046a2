"""A store whose every call is a step of its host's life, and what those calls mean for checkers.

A host may die before or after any step. Facts are read from the disks, beside the programs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from protocol.header import Priority
from protocol.ids import BundleId, Incarnation
from protocol.ranges import RangeSet
from simulations.checkers.observations import (
    BundleAdded,
    BundleTaken,
    BytesDropped,
    BytesHandedOut,
    CustodyPassed,
    Observation,
    ReceiptWritten,
    SafetyBelieved,
)
from simulations.virtual.loop import virtual_loop
from sync.core import Event
from sync.ports import ChunkOutcome, IncomingChunk, Offer

from .life import Life, Side

Store = TypeVar("Store")

_NO_STEPS: Final = frozenset({"wait_outgoing"})
"""Waiting changes no disk."""

Call = Callable[..., Coroutine[Any, Any, Any]]


class Ledger(Protocol):
    """What one place's own disk says of its bundles, asked beside all programs."""

    def own_bundles(
        self, sequences: RangeSet, incarnation: Incarnation | None = None
    ) -> Sequence[tuple[BundleId, Priority]]:
        """Those with these numbers of one incarnation, by default the current one."""

    def untouched(self) -> Sequence[tuple[BundleId, Priority]]:
        """Those of which no byte ever went out. What an earlier session began may be at the peer already: it
        waits, rightly, until the peer has said what it holds."""

    def pruned(self) -> Sequence[BundleId]:
        """Those whose bytes were dropped, since the peer was said to have them in a backup."""

    def arrived(self, row: int) -> BundleId | None:
        """The bundle of the peer's that came in this row; None where rows are not on the disk."""


class Disks(Protocol):
    """All disks of a world."""

    def holds(self, place: str, bundle_id: BundleId) -> bool:
        """Whether a bundle of the peer's is whole on this disk."""

    def backs_up(self, place: str, bundle_id: BundleId) -> bool:
        """Whether a bundle of the peer's lies, taken, in a backup of this disk."""

    def syncs(self, place: str) -> int | None:
        """How many changes of its custody the disk has confirmed; None where no disk is modelled so."""

    def disk_of(self, place: str) -> object:
        """Another one whenever what had been written there may be undone."""

    def peers_of(self, place: str) -> Sequence[str]:
        """Who may have heard of a place's bundles."""


class Watch:
    """Turns calls of stores into observations."""

    def __init__(
        self, disks: Disks, observe: Callable[[Observation], None], happened: Callable[[str, Event], None]
    ) -> None:
        self._disks = disks
        self.observe = observe
        self.happened = happened
        self._added_s: dict[tuple[str, BundleId], float] = {}
        self._add_began_s: dict[str, float] = {}
        self._handed_out: dict[str, set[BundleId]] = {}
        self._put_off: dict[str, set[BundleId]] = {}
        self._waited: dict[str, set[BundleId]] = {}
        self._pruned: dict[str, set[BundleId]] = {}
        self._renewed: set[str] = set()
        """Who began a new incarnation in its present session."""
        self._sealed_again: dict[str, set[BundleId]] = {}
        """What was begun, and got another seal in the present session."""
        self._crashes: dict[str, tuple[str, Side]] = {}
        self._taken: set[tuple[str, object, BundleId]] = set()

    def crash_on(self, place: str, call: str, side: Side) -> None:
        """Its host dies at that side of its next such call."""
        self._crashes[place] = call, side

    def crash_never(self, place: str) -> None:
        """It did not come to it."""
        self._crashes.pop(place, None)

    def side_of_crash(self, place: str, call: str) -> Side | None:
        """At which side of this call its host dies, if it does; asked once."""
        due = self._crashes.get(place)
        if due is None or due[0] != call:
            return None
        del self._crashes[place]
        return due[1]

    def disk_replaced(self, place: str) -> None:
        """It went back to a backup: what comes into custody from now on waits from now on."""
        for key in [key for key in self._added_s if key[0] == place]:
            del self._added_s[key]

    def before(
        self, place: str, ledger: Ledger, name: str, arguments: tuple[Any, ...]
    ) -> BundleId | int | None:
        """What `after` has to be told of this call."""
        match name:
            case "persist":
                return self._disks.syncs(place)
            case "take":
                return ledger.arrived(arguments[0])
        self._prepare(place, ledger, name, arguments)
        return None

    def _prepare(self, place: str, ledger: Ledger, name: str, arguments: tuple[Any, ...]) -> None:
        """What is seen now alone, or would be changed by the call."""
        match name:
            case "open_session":
                self._handed_out[place] = set()
                self._put_off[place] = set()
                self._sealed_again[place] = set()
                self._renewed.discard(place)
            case "mark_stored":
                self._custody_passes(place, ledger.own_bundles(arguments[0]))
            case "mark_safe":
                incarnation, sequences = arguments
                self._safety_is_believed(place, ledger.own_bundles(sequences, incarnation))
            case "prune":
                self._pruned[place] = set(ledger.pruned())
            case "add" | "mark_lost" | "renew_incarnation":
                self._add_began_s[place] = virtual_loop().time()
                self._waited[place] = {bundle_id for bundle_id, _ in ledger.untouched()}
                if name == "renew_incarnation":
                    self._renewed.add(place)
                    self._put_off.setdefault(place, set()).update(self._sealed_again.get(place, ()))
            case "note_refusal":
                refused = ledger.own_bundles(_only(arguments[0]))
                self._put_off.setdefault(place, set()).update(bundle_id for bundle_id, _ in refused)

    def after(
        self,
        place: str,
        ledger: Ledger,
        name: str,
        arguments: tuple[Any, ...],
        result: Any,
        *,
        before: BundleId | int | None,
    ) -> None:
        match name:
            case "add":
                self._added(place, result)
                self._wait_from_now(place, ledger)
            case "reseal" if result is not None:
                self._resealed(place, result.bundle_id)
            case "read" if result:
                self._read(place, ledger, arguments[0])
            case "prune":
                self._dropped(place, [each for each in ledger.pruned() if each not in self._pruned[place]])
            case "persist" if before is None or isinstance(before, int):
                self._persisted(place, arguments[0], result, synced_before=before)
            case "take" if isinstance(before, bytes):
                self._took(place, BundleId(before))
            case "mark_lost" | "renew_incarnation":
                self._wait_from_now(place, ledger)

    def _wait_from_now(self, place: str, ledger: Ledger) -> None:
        """Whatever did not wait before this call."""
        for bundle_id, _ in ledger.untouched():
            if bundle_id not in self._waited[place]:
                self._added_s[place, bundle_id] = virtual_loop().time()

    def _resealed(self, place: str, bundle_id: BundleId) -> None:
        self._added_s[place, bundle_id] = virtual_loop().time()
        self._sealed_again.setdefault(place, set()).add(bundle_id)
        if place in self._renewed:
            # In a new incarnation the peer is asked of what was begun whether it has it, by its id.
            self._put_off.setdefault(place, set()).add(bundle_id)

    def _added(self, place: str, offer: Offer) -> None:
        self.observe(
            BundleAdded(
                at_s=virtual_loop().time(),
                place=place,
                peer=self._disks.peers_of(place)[0],
                bundle=offer.bundle_id,
                priority=offer.priority,
                size_bytes=offer.size_bytes,
            )
        )

    def _custody_passes(self, place: str, bundles: Sequence[tuple[BundleId, Priority]]) -> None:
        peers = self._disks.peers_of(place)
        for bundle_id, _ in bundles:
            self.observe(
                CustodyPassed(
                    at_s=virtual_loop().time(),
                    place=place,
                    peer=" or ".join(peers),
                    bundle=bundle_id,
                    is_on_disk=any(self._disks.holds(peer, bundle_id) for peer in peers),
                )
            )

    def _safety_is_believed(self, place: str, bundles: Sequence[tuple[BundleId, Priority]]) -> None:
        for bundle_id, _ in bundles:
            self.observe(
                SafetyBelieved(
                    at_s=virtual_loop().time(),
                    place=place,
                    bundle=bundle_id,
                    is_in_backup=self._is_backed_up(place, bundle_id),
                )
            )

    def _dropped(self, place: str, bundles: Sequence[BundleId]) -> None:
        for bundle_id in bundles:
            self.observe(
                BytesDropped(
                    at_s=virtual_loop().time(),
                    place=place,
                    bundle=bundle_id,
                    is_in_backup=self._is_backed_up(place, bundle_id),
                )
            )

    def _is_claimed(self, place: str, bundle_id: BundleId) -> bool:
        """A peer has it, and says so: custody follows once the cuts agreed."""
        return any(self._disks.holds(peer, bundle_id) for peer in self._disks.peers_of(place))

    def _is_backed_up(self, place: str, bundle_id: BundleId) -> bool:
        return any(self._disks.backs_up(peer, bundle_id) for peer in self._disks.peers_of(place))

    def _took(self, place: str, bundle_id: BundleId) -> None:
        key = place, self._disks.disk_of(place), bundle_id
        self.observe(
            BundleTaken(
                at_s=virtual_loop().time(), place=place, bundle=bundle_id, was_taken=key in self._taken
            )
        )
        self._taken.add(key)

    def _persisted(
        self,
        place: str,
        chunks: Sequence[IncomingChunk],
        outcomes: Sequence[ChunkOutcome],
        *,
        synced_before: int | None,
    ) -> None:
        """`synced_before`: changes that the disk had confirmed when this one began."""
        is_synced = synced_before is None or self._disks.syncs(place) != synced_before
        for chunk, outcome in zip(chunks, outcomes, strict=True):
            if outcome is ChunkOutcome.STORED:
                bundle_id = chunk.offer.bundle_id
                self.observe(
                    ReceiptWritten(
                        at_s=virtual_loop().time(),
                        place=place,
                        bundle=bundle_id,
                        is_on_disk=is_synced and self._disks.holds(place, bundle_id),
                    )
                )

    def _read(self, place: str, ledger: Ledger, sequence: int) -> None:
        bundles = ledger.own_bundles(_only(sequence))
        if not bundles:
            return
        bundle_id, priority = bundles[0]
        started = self._handed_out.setdefault(place, set())
        started.add(bundle_id)
        passed_over = started | self._put_off.get(place, set())
        now_s = virtual_loop().time()
        # What lies on the disk since this moment may have no answer yet, and is not known here.
        unknown_s = now_s if self._add_began_s.get(place) == now_s else 0.0
        waiting = tuple(
            (other, urgency, self._added_s.get((place, other), unknown_s))
            for other, urgency in ledger.untouched()
            if other not in passed_over and not self._is_claimed(place, other)
        )
        self.observe(
            BytesHandedOut(
                at_s=now_s,
                place=place,
                bundle=bundle_id,
                priority=priority,
                waiting=waiting,
            )
        )


def _only(sequence: int) -> RangeSet:
    return RangeSet.of([(sequence, sequence + 1)])


def watch_store(store: Store, place: str, ledger: Ledger, watch: Watch, life: Life | None = None) -> Store:
    """The same store, each of whose calls is watched, and is a step of `life` if one is given."""
    for name in dir(type(store)):
        call = getattr(store, name)
        if not name.startswith("_") and name not in _NO_STEPS and inspect.iscoroutinefunction(call):
            setattr(store, name, partial(_step, place, ledger, life, watch, name, call))
    return store


async def _step(
    place: str,
    ledger: Ledger,
    life: Life | None,
    watch: Watch,
    name: str,
    call: Call,
    /,
    *arguments: Any,
    **named: Any,
) -> Any:
    if life is not None:
        if (side := watch.side_of_crash(place, name)) is not None:
            life.crash_at(1, side)
        life.step(Side.BEFORE)
    before = watch.before(place, ledger, name, arguments)
    result = await call(*arguments, **named)
    watch.after(place, ledger, name, arguments, result, before=before)
    if life is not None:
        life.step(Side.AFTER)
    return result
