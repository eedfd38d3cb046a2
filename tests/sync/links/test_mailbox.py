"""What of a link's promises a mailbox can keep, and that it is as unreliable as it says."""

from __future__ import annotations

from collections import Counter

import pytest

from sync.ports import Connection, LinkError, LinkShape

from .mailbox_link import COPIES_MAX, UNIT_BYTES_MAX, UNREAD_MAX, Post, mailbox_link


async def received(connection: Connection) -> list[bytes]:
    messages = []
    while message := await connection.receive():
        messages.append(message)
    return messages


async def test_a_message_arrives_whole_both_ways() -> None:
    first, second = mailbox_link()
    for sender, receiver in ((first, second), (second, first)):
        await sender.send(bytes(UNIT_BYTES_MAX))
        await sender.send(b"short")
        assert [await receiver.receive(), await receiver.receive()] == [bytes(UNIT_BYTES_MAX), b"short"]


async def test_it_declares_what_it_is() -> None:
    for end in mailbox_link():
        declared = end.properties
        assert (declared.shape, declared.unit_bytes_max) == (LinkShape.MAILBOX, UNIT_BYTES_MAX)
        assert not declared.ordered
        assert declared.usd_per_message > 0


async def test_a_message_that_is_too_long_is_refused_whole() -> None:
    first, second = mailbox_link()
    with pytest.raises(LinkError, match="nothing was sent"):
        await first.send(bytes(UNIT_BYTES_MAX + 1))
    await first.finish()
    assert await received(second) == []


async def test_closing_is_idempotent_and_ends_sending() -> None:
    first, _ = mailbox_link()
    await first.close()
    await first.close()
    with pytest.raises(LinkError):
        await first.send(b"too late")
    assert await first.receive() == b""


async def test_messages_are_lost_repeated_and_displaced() -> None:
    first, second = mailbox_link(Post(lost_share=0.3, copied_share=0.3, displaced_by_max=5, seed=7))
    sent = [bytes((number,)) for number in range(60)]
    for message in sent:
        await first.send(message)
    await first.finish()
    came = await received(second)
    copies = Counter(came)
    assert set(copies) < set(sent)
    assert 1 < max(copies.values()) <= COPIES_MAX
    assert came != sorted(came)


async def test_a_full_mailbox_loses_what_comes_beyond() -> None:
    first, second = mailbox_link()
    for number in range(UNREAD_MAX + 10):
        await first.send(number.to_bytes(2, "big"))
    await first.finish()
    assert len(await received(second)) == UNREAD_MAX
