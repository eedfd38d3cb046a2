"""One long life of a custody store, step by step, and all that can be seen of it between two steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import chain, repeat

from protocol.header import Priority
from protocol.ids import Incarnation
from protocol.ranges import RangeSet
from sync.ports import Moment

from .contract import OTHER, PEER, Store, add, bundle_id_of, chunk_of, numbers, offer_of, resealed, sealed_of

Memory = dict[str, Moment]
"""What a caller keeps between steps."""
Step = Callable[[Store, Memory], Awaitable[object]]
WALL_S = 1000.0


def incarnations() -> Callable[[], Incarnation]:
    """A first name and a second, however often a store has to ask for the second."""
    names = chain((_LIFE,), repeat(_SECOND_LIFE))
    return lambda: next(names)


async def _arrived(store: Store, label: str) -> int:
    """The row of a bundle that waits for the application."""
    waiting = await store.received_after(0, 99)
    return next(each.row for each in waiting if each.offer.bundle_id == bundle_id_of(label))


async def _begin_backup(store: Store, memory: Memory) -> None:
    memory["moment"] = await store.begin_backup()


async def _take(store: Store, label: str) -> None:
    await store.take(await _arrived(store, label))


async def _put_aside(store: Store, label: str) -> None:
    await store.quarantine(await _arrived(store, label), "cannot be opened")


async def _ask_rekey(store: Store, label: str) -> None:
    await store.ask_rekey(await _arrived(store, label), b"k7", "its key is gone")


async def _give_back(store: Store) -> None:
    await store.mark_returned([each.row for each in await store.to_return(1)])


async def _reseal(store: Store) -> None:
    for asked in await store.rekeys():
        await store.reseal(
            bundle_id=asked.bundle_id, recipient_key=b"k8", sealed=sealed_of("b for k8", 70_000)
        )


_Z = offer_of("z", 300, 3)
_LIFE, _SECOND_LIFE = Incarnation(b"1st."), Incarnation(b"2nd.")
STEPS: tuple[Step, ...] = (
    lambda store, _: add(store, "a", 100),
    lambda store, _: add(store, "b", 70_000),
    lambda store, _: add(store, "c", 200, priority=Priority.EMERGENCY),
    lambda store, _: store.mark_receipted(2, RangeSet.whole(1000)),
    lambda store, _: store.open_session(),
    lambda store, _: store.persist([chunk_of(offer_of("x", 70_000, 1), "x", 0, 1000)]),
    lambda store, _: store.persist([chunk_of(offer_of("x", 70_000, 1), "x", 500)]),
    lambda store, _: store.persist([chunk_of(offer_of("y", 300, 2), "y"), chunk_of(_Z, "z")]),
    lambda store, _: store.persist([chunk_of(offer_of("twin", 300, 2), "twin")]),
    lambda store, _: _take(store, "x"),
    lambda store, _: _put_aside(store, "y"),
    lambda store, _: _ask_rekey(store, "z"),
    lambda store, _: store.persist([chunk_of(resealed(_Z, "z under k7", 4), "z under k7")]),
    _begin_backup,
    lambda store, _: _take(store, "z"),
    lambda store, memory: store.note_backup(memory["moment"]),
    lambda store, _: store.mark_stored(numbers(1, 2)),
    lambda store, _: store.mark_safe(_LIFE, numbers(1, 2)),
    lambda store, _: store.prune(stored_before_s=WALL_S + 1, keep_newest=2),
    lambda store, _: store.mark_lost(_LIFE, numbers(1)),
    lambda store, _: add(store, "a", 100),
    lambda store, _: store.note_rekey(_LIFE, 2, b"k8"),
    lambda store, _: _reseal(store),
    lambda store, _: store.note_refusal(3, "no room"),
    lambda store, _: store.note_foreign(_LIFE, numbers(7, 8)),
    lambda store, _: store.note_foreign(OTHER, numbers(1)),
    lambda store, _: store.renew_incarnation("the peer holds more"),
    lambda store, _: store.mark_promised(_LIFE, numbers(7)),
    lambda store, _: store.note_return(PEER, numbers(1, 2, 9)),
    lambda store, _: _give_back(store),
    lambda store, _: add(store, "d", 100),
)


async def seen(store: Store) -> tuple[object, ...]:
    """All that a session or the application can learn of the store; it opens a session."""
    view = await store.open_session()
    lives = (view.incarnation, *(stream.incarnation for stream in view.former))
    sent = [await store.digest(life, RangeSet.of([(1, 99)])) for life in lives]
    first = numbers(1)
    return (
        view,
        tuple(sent),
        [await store.received_digest(life, first) for life in (PEER, OTHER)],
        [await store.read(bundle.offer.sequence, 0, 1 << 20) for bundle in view.pending],
        await store.received_after(0, 99),
        await store.rekeys(),
        await store.unopened(),
        await store.to_return(99),
        await store.without_bytes(99),
    )
