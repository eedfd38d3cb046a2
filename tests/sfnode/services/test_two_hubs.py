"""A site with two hubs: each gets and says only what concerns its own cases, whatever the other sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.actors import Actor, Role
from protocol.bundle import EntryBundle, LayerBundle
from protocol.clinical import Layer, Note
from protocol.entry import SignedEntry, read_entry
from protocol.ids import CaseId, Pseudonym, key_id_of
from protocol.orders import Advice, CapabilityItem
from protocol.prekeys import Revocation, RevocationReason
from protocol.records import NewRecord
from sfnode.errors import EnrolmentRefused, NotFound, Refused
from sfnode.services.happenings import NOT_ITS_CASE, ForeignCase
from sfnode.services.returning import Returning
from sfnode.vault.arrived import note_announced
from sfnode.vault.directory import SITE_PATIENT
from sfnode.vault.hubs import HUBS_MAX
from tests.sfnode.services.post import Post, Sent, join, leaving_of, open_post
from tests.sfnode.services.station import new_case, photo_layers
from tests.sfnode.stand_in_hub import StandInHub


@dataclass
class TwoHubs:
    """A post, its first hub, and another one of another organisation."""

    post: Post
    desk: StandInHub
    burns: StandInHub

    async def send(self, hub: StandInHub, question: str = "What now?") -> Sent:
        """A case that asks that hub, as far as custody."""
        saved = await self.post.book.open_case(new_case(question=question, hub=hub.address))
        await self.post.book.send_case(saved.case_id)
        entries = [
            read_entry(signed)
            for outgoing in await self.post.book.outbox()
            if isinstance(outgoing.content, EntryBundle)
            for signed in outgoing.content.entries
        ]
        await self.post.outbox.seal_waiting()
        return Sent(saved.case_id, next(e.patient_id for e in entries if e.case_id == saved.case_id))

    def says(self, hub: StandInHub, case: Sent, text: str = "Cool it.") -> SignedEntry:
        return hub.sign([NewRecord(Advice(text=text))], case_id=case.case_id, patient_id=case.patient_id)

    async def hears(self, sender: StandInHub, *entries: SignedEntry) -> list[str]:
        """Why what came from that hub may not stand."""
        ingested = await self.post.book.ingest(EntryBundle(entries), sender.address)
        return [each.reason for each in ingested.quarantined]

    async def advice(self, case: Sent) -> tuple[str, ...]:
        return (await self.post.book.plan_view(case.case_id)).advice

    async def opened_at(self, hub: StandInHub) -> set[CaseId]:
        """Cases of whatever that hub can open of what custody has for it."""
        custody = await self.post.spool.custody_of(hub.pseudonym)
        rows = await self.post.spool.transfers.unstored(hub.pseudonym)
        assert len(rows) == len({each.bundle_id for each in rows})
        held = {row.bundle_id for row in rows}
        found = set()
        for dispatch in await self.post.book.dispatches():
            if dispatch.bundle_id in held:
                assert await custody.sent_state(dispatch.bundle_id) is not None
                found.add(dispatch.case_id)
        return found


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[TwoHubs]:
    async with open_post(tmp_path) as post:
        burns = StandInHub(organisation="Other Health", name="Burns centre", pseudonym=Pseudonym(b"burn"))
        await join(post, burns)
        yield TwoHubs(post, post.hub, burns)


async def test_another_hub_is_told_who_works_here_and_what_is_aboard(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        await post.book.set_capability([CapabilityItem(item=1, name="Oxygen", quantity=2)])
        burns = StandInHub(organisation="Other Health", name="Burns centre", pseudonym=Pseudonym(b"burn"))
        await join(post, burns)
        told = [each.what for each in await post.book.outbox(hub=burns.address)]
        assert told == ["who works here", "list aboard, version 1"]
        changed = await post.book.set_capability([CapabilityItem(item=1, name="Oxygen", quantity=1)])
        assert (changed.version, await post.book.capability()) == (2, changed)
        for hub in (post.hub, burns):
            waiting = [each.what for each in await post.book.outbox(hub=hub.address)]
            assert waiting[-1] == "list aboard, version 2"


async def test_two_desks_of_one_organisation_share_what_the_site_says_of_itself(tmp_path: Path) -> None:
    async with open_post(tmp_path) as post:
        await post.book.set_capability([CapabilityItem(item=1, name="Oxygen", quantity=2)])
        await join(post, StandInHub(name="Night desk", pseudonym=Pseudonym(b"nite")))
        night = (await post.spool.pairings.all())[1]
        assert night.site == (await post.vault.hub(post.hub.address)).site
        told = [each.what for each in await post.book.outbox(hub=night.hub)]
        assert told == ["who works here", "about this site"]
        await post.book.set_capability([CapabilityItem(item=1, name="Oxygen", quantity=1)])
        assert [e.what for e in await post.book.outbox(hub=night.hub)][-1] == "list aboard, version 2"


async def test_a_case_is_sealed_for_the_hub_that_it_asks_and_for_no_other(two: TwoHubs) -> None:
    to_desk, to_burns = await two.send(two.desk), await two.send(two.burns)
    for case in (to_desk, to_burns):  # Both wait to be sealed at once.
        await two.post.book.add_note(case.case_id, language="en", text="Blisters.")
    await two.post.outbox.seal_waiting()
    at_desk, at_burns = await two.opened_at(two.desk), await two.opened_at(two.burns)
    assert to_desk.case_id in at_desk - at_burns
    assert to_burns.case_id in at_burns - at_desk
    rows = {row.case: row.hub for row in await two.post.book.case_rows()}
    assert rows[to_desk.case_id.hex()] == two.desk.name
    assert rows[to_burns.case_id.hex()] == "Burns centre"


async def test_without_a_name_the_hub_joined_first_is_asked(two: TwoHubs) -> None:
    saved = await two.post.book.open_case(new_case())
    assert await two.post.book.hub_of(saved.case_id) == two.desk.address
    with pytest.raises(NotFound, match="not enrolled with that hub"):
        await two.post.book.open_case(new_case(hub=b"\1" * 8))


async def test_each_reply_joins_its_own_case(two: TwoHubs) -> None:
    to_desk, to_burns = await two.send(two.desk), await two.send(two.burns)
    assert await two.hears(two.burns, two.says(two.burns, to_burns)) == []
    assert await two.hears(two.desk, two.says(two.desk, to_desk, "Give oxygen.")) == []
    assert [len(await two.advice(each)) for each in (to_desk, to_burns)] == [1, 1]
    assert "Cool it." in (await two.advice(to_burns))[0]


async def test_what_a_hub_says_in_another_s_case_is_kept_aside_told_and_harms_nothing(
    two: TwoHubs,
) -> None:
    to_desk = await two.send(two.desk)
    foreign = two.says(two.burns, to_desk)
    await two.post.arrive_from(two.burns, two.burns.seal_entry(foreign), 1)
    assert await two.post.inbox.open_waiting() == 1
    assert await two.advice(to_desk) == ()
    (kept,) = await two.post.book.quarantined()
    assert kept.reason == NOT_ITS_CASE
    assert await two.post.book.kept_aside(two.burns.address) == 1
    assert await two.post.book.kept_aside(two.desk.address) == 0
    (told,) = await two.post.spool.notices.shown(now_s=two.post.clock.wall_s())
    assert told.startswith("Burns centre: The hub has sent something for a case that is not with it.")
    assert await two.hears(two.desk, two.says(two.desk, to_desk, "Give oxygen.")) == []
    assert len(await two.advice(to_desk)) == 1


async def test_an_entry_replayed_by_the_wrong_hub_still_stands_from_the_right_one(two: TwoHubs) -> None:
    to_desk = await two.send(two.desk)
    said = two.says(two.desk, to_desk)
    assert await two.hears(two.burns, said) == [NOT_ITS_CASE]
    assert await two.hears(two.desk, said) == []
    assert len(await two.advice(to_desk)) == 1
    assert await two.post.book.quarantined() == ()


async def test_an_entry_that_waits_is_not_spoilt_by_a_copy_from_the_wrong_hub(two: TwoHubs) -> None:
    """Its author is introduced later: until then it waits as the right hub's, whoever repeats it."""
    to_desk = await two.send(two.desk)
    records = [NewRecord(Advice(text="Lie down."))]
    case_id, patient_id = to_desk.case_id, to_desk.patient_id
    waits = two.desk.sign(records, introduced=False, case_id=case_id, patient_id=patient_id)
    assert await two.hears(two.desk, waits) == ["its author is not known here yet"]
    assert await two.hears(two.burns, waits) == [NOT_ITS_CASE]
    note = [NewRecord(Note(language="en", text="On duty."))]
    introduction = two.desk.sign(note, case_id=case_id, patient_id=patient_id)
    assert await two.hears(two.desk, introduction) == []
    assert len(await two.advice(to_desk)) == 1


async def test_the_key_of_one_hub_is_nobody_s_in_the_cases_of_another(two: TwoHubs) -> None:
    to_desk = await two.send(two.desk)
    reasons = await two.hears(two.desk, two.says(two.burns, to_desk))
    assert reasons == ["it is signed with a key that this site does not know"]


async def test_pictures_and_first_orders_for_another_hub_s_case_are_refused(two: TwoHubs) -> None:
    to_desk = await two.send(two.desk)
    layer = LayerBundle(to_desk.case_id, Layer.PREVIEW, b"avif")
    with pytest.raises(ForeignCase):
        await two.post.book.ingest(layer, two.burns.address)
    await two.post.arrive_from(two.burns, two.burns.seal(layer), 1)
    await two.post.inbox.open_waiting()
    told = await two.post.spool.notices.shown(now_s=two.post.clock.wall_s())
    assert any("not with it" in sentence for sentence in told)
    assert not (await two.post.book.ingest(layer, two.desk.address)).quarantined


async def test_a_hub_revokes_keys_in_its_own_cases_alone(two: TwoHubs) -> None:
    to_desk = await two.send(two.desk)
    revoked = Revocation(
        version=1,
        key_id=key_id_of(public(two.desk.signing)),
        reason=RevocationReason.STOLEN,
        since=0,
    )
    hub = await two.post.vault.hub(two.burns.address)
    said = [NewRecord(Actor(name="Burns centre", role=Role.DESK)), NewRecord(revoked)]
    entry = two.burns.sign(said, case_id=hub.site_case, patient_id=SITE_PATIENT, introduced=False)
    assert await two.hears(two.burns, entry) == []
    assert await two.hears(two.desk, two.says(two.desk, to_desk)) == []


async def test_a_hub_is_given_back_nothing_of_another_s(two: TwoHubs) -> None:
    """It may name the start of any entry in a provisional record, and ask for that bundle back."""
    to_desk = await two.send(two.desk)
    said = two.says(two.desk, to_desk)
    await two.hears(two.desk, said)
    bundle_id = two.burns.seal_entry(said).bundle_id
    await two.post.vault.vault.database.write(
        lambda connection: note_announced(connection, two.burns.pseudonym, bundle_id, said.entry_id[:8])
    )
    assert await two.post.book.give_back(two.burns.address, [bundle_id]) == 1
    assert await two.post.book.outbox(hub=two.burns.address) == ()


async def test_a_pseudonym_that_custody_knows_is_refused(two: TwoHubs) -> None:
    await two.send(two.desk)
    twin = StandInHub(organisation="Third Health", name="Third", pseudonym=two.desk.pseudonym)
    with pytest.raises(EnrolmentRefused, match="another hub uses already"):
        await join(two.post, twin)
    assert [each.name for each in await two.post.spool.pairings.all()] == [two.desk.name, "Burns centre"]


async def test_two_hubs_of_one_name_are_told_apart(two: TwoHubs) -> None:
    await join(two.post, StandInHub(organisation="Third Health", pseudonym=Pseudonym(b"thrd")))
    names = [each.name for each in await two.post.spool.pairings.all()]
    assert names == [two.desk.name, "Burns centre", f"{two.desk.name}, Third Health"]
    assert len({(await two.post.spool.pairings.named(name)).hub for name in names}) == 3


async def test_no_more_hubs_than_can_be_kept_are_joined(two: TwoHubs) -> None:
    for number in range(HUBS_MAX - 2):
        await join(two.post, StandInHub(name=f"Hub {number}", pseudonym=Pseudonym(b"pn%02d" % number)))
    unused = StandInHub(name="One more", pseudonym=Pseudonym(b"more"))
    with pytest.raises(Refused, match="enrolled with 8 hubs"):
        await join(two.post, unused)
    assert unused.requests == []  # The code is still good.


async def test_a_new_hub_is_not_shown_whom_else_the_site_asks(two: TwoHubs) -> None:
    assert (two.burns.enrolled.known_hub, two.burns.enrolled.pair) == (b"", b"")
    request = await two.post.enrolment.make_request(StandInHub().code, again=two.burns.address)
    assert request


async def test_what_waits_for_a_hub_keeps_it_from_being_left_unasked(two: TwoHubs) -> None:
    to_burns, to_desk = await two.send(two.burns), await two.send(two.desk)
    leaving = leaving_of(two.post)
    with pytest.raises(Refused, match=r"messages for Burns centre .* --abandon"):
        await leaving.leave(two.burns.address, abandon=False)
    assert len(await two.post.spool.pairings.all()) == 2
    left = await leaving.leave(two.burns.address, abandon=True)
    assert left.abandoned
    assert [each.name for each in await two.post.spool.pairings.all()] == [two.desk.name]
    view = await two.post.book.case_view(to_burns.case_id)
    assert (view.row.state, view.row.hub) == ("Burns centre was left", "Burns centre")
    assert {each.state for each in view.transfers} == {"not sent, this site has left Burns centre"}
    await two.post.book.add_note(to_burns.case_id, language="en", text="Kept for the record.")
    assert await two.post.outbox.seal_waiting() == 0
    assert (await two.post.book.case_view(to_desk.case_id)).row.state == "waiting for link"
    draft = await two.post.book.open_case(new_case())
    assert await two.post.book.hub_of(draft.case_id) == two.desk.address


async def test_a_draft_for_a_hub_that_was_left_says_so(two: TwoHubs) -> None:
    draft = await two.post.book.open_case(new_case(hub=two.burns.address))
    leaving = leaving_of(two.post)
    await leaving.leave(two.burns.address, abandon=True)
    with pytest.raises(Refused, match="which this site has left"):
        await two.post.book.send_case(draft.case_id)


async def test_whoever_joins_again_is_sent_what_it_never_got(two: TwoHubs) -> None:
    to_burns = await two.send(two.burns)
    leaving = leaving_of(two.post)
    await leaving.leave(two.burns.address, abandon=True)
    back = StandInHub(
        organisation="Other Health",
        name="Burns centre",
        pseudonym=Pseudonym(b"back"),
        signing=two.burns.signing,
    )
    await join(two.post, back, again=two.burns.address)
    await two.post.outbox.seal_waiting()
    assert to_burns.case_id in await two.opened_at(back)
    assert await two.hears(back, two.says(back, to_burns)) == []


async def test_returns_go_to_the_hub_that_asks(two: TwoHubs) -> None:
    to_burns = await two.send(two.burns)
    sealed = two.burns.seal_entry(two.says(two.burns, to_burns))
    await two.post.arrive_from(two.burns, sealed, 1)
    await two.post.inbox.open_waiting()
    returning = Returning(two.post.vault, two.post.spool, clock=two.post.clock)
    assert await returning.queue_asked() == 0
    assert await two.post.book.give_back(two.desk.address, [sealed.bundle_id]) == 1
    assert await two.post.book.outbox(hub=two.desk.address) == ()
    assert await two.post.book.give_back(two.burns.address, [sealed.bundle_id]) == 0
    (given,) = await two.post.book.outbox(hub=two.burns.address)
    assert given.what == "given back"


async def test_photographs_go_with_their_case(two: TwoHubs) -> None:
    saved = await two.post.book.open_case(new_case(hub=two.burns.address))
    await two.post.book.add_photo(saved.case_id, photo_layers(), caption="burn")
    queued = await two.post.book.send_case(saved.case_id)
    assert {each.hub for each in queued} == {two.burns.address}


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()
