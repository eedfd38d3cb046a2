"""Performs a session's effects on its pair's custody, one method of the store each."""

from __future__ import annotations

from typing import assert_never

from .core import (
    Backed,
    Digest,
    Effect,
    EffectResult,
    Found,
    LookSafe,
    LookUnopened,
    MarkLost,
    MarkPromised,
    MarkReceipted,
    MarkSafe,
    MarkStored,
    More,
    NoteForeign,
    NoteRefusal,
    NoteRekey,
    NoteReturn,
    NoteSettled,
    Open,
    PeerDigest,
    Persist,
    Persisted,
    Read,
    Renew,
    Unopened,
)
from .ports import PairStore


async def perform(store: PairStore, effect: Effect) -> EffectResult:
    """The effect's result, durable where the port promises it."""
    match effect:
        case Open():
            return await store.open_session()
        case Renew(reason):
            return await store.renew_incarnation(reason)
        case Read(sequence, offset, size_bytes):
            return await store.read(sequence, offset, size_bytes)
        case Persist(chunks):
            return Persisted(await store.persist(chunks))
        case Digest() | PeerDigest() | More() | LookUnopened() | LookSafe():
            return await _look_up(store, effect)
        case NoteReturn(incarnation, sequences):
            return await store.note_return(incarnation, sequences)
        case NoteForeign() | MarkPromised() | NoteSettled() | MarkSafe():
            await _mark_recovery(store, effect)
            return None
        case _:
            await _mark(store, effect)
            return None


async def _look_up(
    store: PairStore, question: Digest | PeerDigest | More | LookUnopened | LookSafe
) -> EffectResult:
    match question:
        case Digest(incarnation, sequences):
            return await store.digest(incarnation, sequences)
        case PeerDigest(incarnation, sequences):
            return await store.received_digest(incarnation, sequences)
        case More(beside):
            return Found(await store.outgoing(beside))
        case LookUnopened():
            return Unopened(await store.unopened())
        case LookSafe():
            return Backed(await store.safe())
        case _:
            assert_never(question)


async def _mark(
    store: PairStore, mark: MarkReceipted | MarkStored | MarkLost | NoteRefusal | NoteRekey
) -> None:
    match mark:
        case MarkReceipted(sequence, held):
            await store.mark_receipted(sequence, held)
        case MarkStored(sequences):
            await store.mark_stored(sequences)
        case MarkLost(incarnation, sequences):
            await store.mark_lost(incarnation, sequences)
        case NoteRefusal(sequence, reason):
            await store.note_refusal(sequence, reason)
        case NoteRekey(incarnation, sequence, recipient_key):
            await store.note_rekey(incarnation, sequence, recipient_key)
        case _:
            assert_never(mark)


async def _mark_recovery(store: PairStore, mark: NoteForeign | MarkPromised | NoteSettled | MarkSafe) -> None:
    match mark:
        case NoteForeign(incarnation, sequences):
            await store.note_foreign(incarnation, sequences)
        case MarkPromised(incarnation, sequences):
            await store.mark_promised(incarnation, sequences)
        case NoteSettled(settlement):
            await store.note_settled(settlement)
        case MarkSafe(incarnation, sequences):
            await store.mark_safe(incarnation, sequences)
        case _:
            assert_never(mark)
