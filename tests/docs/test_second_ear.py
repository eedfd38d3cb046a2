"""Whole sessions of ours can be read by somebody who has the pair's secret and the page, and nothing else."""

from __future__ import annotations

import json

import pytest

from protocol.frames import Frame
from protocol.framing import FRAMES, FrameDecoder
from protocol.header import Priority
from protocol.short_hello import Hail
from sync.stores import MemoryStore
from tests.architecture.checkout import ROOT
from tests.docs.second_ear import Ear, Said, digest, frames, streams, total
from tests.sync.core.simulated_contact import SECRET, Contact, meet, new_store, run_now
from tests.sync.links import datagram_contact, lossy_link
from tests.sync.stores.contract import NOTHING, add, numbers, sealed_of

HELLO, HAIL, ANSWER, ACCOUNT = 0x81, 0x8C, 0x8D, 0x8E
OFFER, WHOLE, DATA, KEPT, KEPT_LAST = 0x82, 0x8B, 0x83, 0x8F, 0xCB
PHOTO_BYTES = 9000
Row = list[tuple[int, Said]]


def heard(contact: Contact) -> tuple[Row, Row]:
    """Both sides of a session over a byte stream."""
    up, down = (b"".join(end.sent_records) for end in (contact.node, contact.hub))
    node, hub = streams(SECRET, up, down)
    return list(frames(node)), list(frames(hub))


def ids(store: MemoryStore) -> list[bytes]:
    return [offer.bundle_id for offer in store.all_offers()]


def test_each_frame_of_the_vectors_can_be_heard() -> None:
    vectors: dict[str, str] = json.loads((ROOT / "tests" / "golden" / "frames.json").read_text("utf-8"))
    said = {name: next(iter(frames(bytes.fromhex(vector)))) for name, vector in vectors.items()}
    assert {code for code, _ in said.values()} == set(FRAMES)
    for name in ("hail, nothing new", "hail of a first contact", "hail, gaps and a half photo"):
        ours, (_, theirs) = one_frame(vectors[name]), said[name]
        assert isinstance(ours, Hail)
        assert numbers(*theirs["stored"]) == ours.stored
        assert numbers(*theirs["held"]) == ours.held
        assert (theirs["total"] or 0, theirs["minutes"]) == (ours.total, ours.minutes)
        assert (theirs["credit"], theirs["highest"]) == (ours.credit_bytes, ours.sequence_max)
        assert len(theirs["unfinished"]) == len(ours.partials)


def one_frame(vector: str) -> Frame:
    (frame,) = FrameDecoder().feed(bytes.fromhex(vector))
    return frame


def test_a_first_session_and_the_next_are_read_to_the_end() -> None:
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "text", 300))
    run_now(add(node, "photo", PHOTO_BYTES))
    run_now(add(hub, "reply", 200))
    ours, theirs = heard(meet(node, hub))
    assert [ours[0][0], theirs[0][0]] == [HAIL, ANSWER]
    greeted = ours[0][1]
    assert greeted["total"] is None
    life = theirs[0][1]["incarnation"]
    sent = {said["id"]: said["sealed"] for code, said in ours + theirs if code == WHOLE}
    handles = {said["handle"]: said["id"] for code, said in ours if code == OFFER}
    for handle, bundle_id in handles.items():
        pieces = [said for code, said in ours if code == DATA and said["handle"] == handle]
        sent[bundle_id] = b"".join(said["sealed"] for said in sorted(pieces, key=lambda said: said["offset"]))
    assert set(sent) == {*ids(node), *ids(hub)}
    assert sealed_of("photo", PHOTO_BYTES) in sent.values()
    kept = [said["numbers"] for code, said in theirs if code == KEPT]
    if KEPT_LAST in [code for code, _ in theirs]:
        kept.append({greeted["highest"]})
    assert set().union(*kept) == {1, 2}

    ours, theirs = heard(meet(node, hub))
    assert [code for code, _ in theirs[:1]] == [ANSWER]
    greeting = ours[0][1]
    assert (greeting["stored"], greeting["held"], greeting["highest"]) == ({1, 2}, {1}, 2)
    assert greeting["total"] == total(ids(node), ids(hub), life)
    assert theirs[0][1] == {
        **theirs[0][1],
        "incarnation": None,
        "ahead": 0,
        "minutes ahead": 0,
        "holds": None,
    }


def test_a_restored_hub_says_hello_and_hears_an_account() -> None:
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "first", 100))
    meet(node, hub)
    backup = hub.snapshot()
    run_now(add(node, "second", 100))
    meet(node, hub)
    hub.restore(backup)
    ours, theirs = heard(meet(node, hub))
    assert [ours[0][0], theirs[0][0]] == [HAIL, HELLO]
    (account,) = [said for code, said in ours if code == ACCOUNT]
    assert account["digest"] == digest(ids(node))
    assert theirs[0][1]["views"] == {ours[0][1]["incarnation"]: ({1}, digest(ids(node)[:1]))}
    assert any(code in (OFFER, WHOLE) for code, _ in ours), "what the hub has lost comes again"


def test_a_hub_that_holds_more_than_a_node_knows_tells_it_in_its_answer() -> None:
    node, hub = new_store(1), new_store(2)
    run_now(add(node, "first", 100))
    backup = node.snapshot()
    meet(node, hub)
    first = ids(node)
    node.restore(backup)
    ours, theirs = heard(meet(node, hub))
    assert (ours[0][1]["stored"], ours[0][1]["highest"]) == (set(), 1)
    assert theirs[0][0] == ANSWER
    assert theirs[0][1]["holds"] == ({1}, digest(first))
    assert run_now(node.outgoing(NOTHING)) == ()


class Tapped(datagram_contact.End):
    """An end at which somebody listens."""

    ear: Ear
    hears_dialer: bool

    def arrive(self, datagram: bytes) -> None:
        self.ear.hear(datagram, is_dialers=self.hears_dialer)
        super().arrive(datagram)


def tapped(end: datagram_contact.End, ear: Ear, *, hears_dialer: bool) -> Tapped:
    tap = Tapped(end.world, end.session, end.store, end.transport, end.line, end.name)
    tap.ear, tap.hears_dialer = ear, hears_dialer
    return tap


@pytest.mark.parametrize("rate_bit_s", [2_400, 64_000])
def test_a_session_in_datagrams_is_read_to_the_end(rate_bit_s: int) -> None:
    node, hub = datagram_contact.new_store(1), datagram_contact.new_store(2)
    texts = {datagram_contact.add(node, 2000, seed=3), datagram_contact.add(hub, 200, seed=4)}
    photo = datagram_contact.add(node, PHOTO_BYTES, seed=5, priority=Priority.BULK)
    met = datagram_contact.contact(node, hub, lossy_link.Conditions(rate_bit_s=rate_bit_s))
    ear = Ear(lossy_link.SECRET)
    met.node, met.hub = tapped(met.node, ear, hears_dialer=False), tapped(met.hub, ear, hears_dialer=True)
    met.node.peer, met.hub.peer = met.hub, met.node
    met.run(until=300)
    ours, theirs = list(frames(ear.dialer.stream)), list(frames(ear.listener.stream))
    assert [ours[0][0], theirs[0][0]] == [HAIL, ANSWER]
    assert {said["id"] for code, said in ours + theirs if code in (OFFER, WHOLE)} == {*texts, photo}
    assert sum(len(piece) for *_, piece in ear.dialer.data) >= PHOTO_BYTES
    assert ear.listener.acknowledged >= {0, 1, 2}
    assert ear.dialer.codes & {0x17, 0x18}
    assert 0x04 in ear.listener.codes
