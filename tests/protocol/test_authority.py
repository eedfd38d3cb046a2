"""Authority: the table decides, site keys never prescribe, and nobody speaks in a case that is not theirs."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from protocol.actors import Actor, Role
from protocol.authority import MAY_WRITE, care_team, check_authority
from protocol.basis import basis_of
from protocol.clinical import CaseOpened, Note, Vitals
from protocol.codec import decode, encode
from protocol.consent import CareTeam, Member, MemberTask
from protocol.entry import SignedEntry, read_entry
from protocol.errors import AuthorityRefused
from protocol.ids import Mailbox, mailbox_of
from protocol.limits import ENTRY_BYTES_MAX
from protocol.movement import Referral
from protocol.orders import Reply
from protocol.records import BODIES, Kind, Record
from tests.protocol.cases import COORDINATOR, HUB, MEDIC, SITE, SPECIALIST, STRANGER, URGENT, WALL_S, Author

MEMBERS = {SITE, HUB}
REPLY = Reply(basis=basis_of([]), assessment="Probable acute coronary syndrome.")
OPENED = CaseOpened(
    template="chest-pain",
    template_version=1,
    urgency=URGENT,
    complaint="pain",
    question="?",
    site=SITE,
    hub=HUB,
)


def test_every_kind_has_a_body_and_a_rule() -> None:
    assert set(BODIES) == set(Kind) == set(MAY_WRITE)
    assert all(MAY_WRITE.values())


def test_no_site_role_may_advise_or_order() -> None:
    for kind in (Kind.REPLY, Kind.ADVICE, Kind.ORDER_STOPPED):
        assert not MAY_WRITE[kind] & {Role.MEDIC, Role.NURSE, Role.MASTER}


@pytest.mark.parametrize(
    ("author", "body"),
    [
        (MEDIC, OPENED),
        (MEDIC, Vitals(observed_s=WALL_S)),
        (SPECIALIST, REPLY),
        (COORDINATOR, Note(language="en", text="x")),
    ],
)
def test_who_may_is_let_through(author: Author, body: Any) -> None:
    check_authority(author.entry(body, counter=1), signer=author.signer, actors={}, members=MEMBERS)


@pytest.mark.parametrize(
    ("author", "body", "why"),
    [
        (MEDIC, REPLY, "may not write a reply"),
        (COORDINATOR, REPLY, "may not write a reply"),
        (SPECIALIST, Vitals(observed_s=WALL_S), "may not write a vitals"),
        (SPECIALIST, OPENED, "may not write a case opened"),
        (STRANGER, Note(language="en", text="x"), "not a member"),
    ],
)
def test_who_may_not_is_refused_with_the_reason(author: Author, body: Any, why: str) -> None:
    with pytest.raises(AuthorityRefused, match=why):
        check_authority(author.entry(body, counter=1), signer=author.signer, actors={}, members=MEMBERS)


def test_a_site_key_cannot_vouch_for_a_specialist() -> None:
    impostor = MEDIC.entry(Actor(name="Impostor", role=Role.SPECIALIST), REPLY, counter=1, introduced=False)
    with pytest.raises(AuthorityRefused, match="vouch"):
        check_authority(impostor, signer=MEDIC.signer, actors={}, members=MEMBERS)


def test_an_author_nobody_introduced_is_refused() -> None:
    note = MEDIC.entry(Note(language="en", text="x"), counter=1, introduced=False)
    with pytest.raises(AuthorityRefused, match="not known"):
        check_authority(note, signer=MEDIC.signer, actors={}, members=MEMBERS)
    known = {MEDIC.actor: Actor(name="Medic", role=Role.MEDIC)}
    check_authority(note, signer=MEDIC.signer, actors=known, members=MEMBERS)


def test_a_case_is_opened_only_by_its_own_site() -> None:
    with pytest.raises(AuthorityRefused, match="owns"):
        check_authority(STRANGER.entry(OPENED, counter=1), signer=STRANGER.signer, actors={}, members=())


SITE_ROLES = {Role.MEDIC, Role.NURSE, Role.MASTER, Role.STATION}


def test_no_site_role_may_ask_or_set_policy_for_the_hub() -> None:
    """What only a specialist or a hub may say: replies, orders, questions, opinions, plans, site packs."""
    of_hubs = {
        Kind.REPLY,
        Kind.REPLY_HEADLINE,
        Kind.ADVICE,
        Kind.ORDER_STOPPED,
        Kind.QUESTION,
        Kind.MEDIA_REQUEST,
        Kind.SECOND_OPINION,
        Kind.CARE_PLAN,
        Kind.PRESCRIPTION_CHANGED,
        Kind.REFERRAL_ANSWERED,
        Kind.RETURNED,
        Kind.SITE_POLICY,
        Kind.CASE_SEEN,
        Kind.REVOCATION,
    }
    assert {kind for kind in Kind if not MAY_WRITE[kind] & SITE_ROLES} == of_hubs


def test_no_hub_role_may_speak_for_the_site() -> None:
    of_sites = {
        Kind.PATIENT,
        Kind.IDENTITY,
        Kind.CASE_OPENED,
        Kind.HEADLINE,
        Kind.FINDINGS,
        Kind.VITALS,
        Kind.TREATMENT,
        Kind.MEDIA,
        Kind.CAPABILITY,
        Kind.CAPABILITY_DELTA,
        Kind.POSITION,
        Kind.ANSWER,
        Kind.REPLY_SEEN,
        Kind.ORDER_CONFIRMED,
        Kind.ORDER_GIVEN,
        Kind.ORDER_REFUSED,
        Kind.PLAN_ACCEPTED,
        Kind.MOVE_ACCEPTED,
    }
    assert {kind for kind in Kind if MAY_WRITE[kind] <= SITE_ROLES} == of_sites


@pytest.mark.parametrize("kind", sorted(Kind), ids=lambda kind: kind.name)
@pytest.mark.parametrize("author", [MEDIC, SPECIALIST, COORDINATOR], ids=lambda author: author.role.name)
def test_every_row_of_the_table_is_enforced(kind: Kind, author: Author) -> None:
    """A record of a version that we cannot read is judged by its kind all the same."""
    signed = author.write(Note(language="en", text="x"), counter=1)
    fields = decode(signed.payload, size_bytes_max=ENTRY_BYTES_MAX)
    assert isinstance(fields, list)
    assert isinstance(fields[5], list)
    entry = read_entry(SignedEntry(encode([*fields[:5], [fields[5][0], [int(kind), {}, [], 2]]]), bytes(64)))
    if author.role in MAY_WRITE[kind]:
        check_authority(entry, signer=author.signer, actors={}, members=MEMBERS)
        return
    with pytest.raises(AuthorityRefused, match="may not write"):
        check_authority(entry, signer=author.signer, actors={}, members=MEMBERS)


GUEST = STRANGER.mailbox
INVITATION = CareTeam(added=(Member(mailbox=GUEST, name="Second service", task=MemberTask.SECOND_OPINION),))
REFERRAL = Referral(to=GUEST, service="Second service", urgency=URGENT, reason="needs a ward")


def stated(author: Author, body: Any, counter: int) -> tuple[Record, Mailbox]:
    return author.entry(body, counter=counter).records[1], author.mailbox


def test_a_team_begins_with_the_site_and_the_hub_it_asked() -> None:
    assert care_team([]) == frozenset()
    assert care_team([stated(MEDIC, OPENED, 1)]) == {SITE, HUB}


def test_an_opening_that_another_place_signed_founds_no_team() -> None:
    assert care_team([stated(STRANGER, OPENED, 1)]) == frozenset()


@pytest.mark.parametrize("body", [INVITATION, REFERRAL], ids=["care team", "referral"])
@pytest.mark.parametrize("author", [MEDIC, SPECIALIST], ids=["by the site", "by the hub"])
def test_a_place_that_was_added_may_write(author: Author, body: Any) -> None:
    team = care_team([stated(author, body, 5), stated(MEDIC, OPENED, 1)])
    assert team == {SITE, HUB, GUEST}
    note = STRANGER.entry(Note(language="en", text="x"), counter=9)
    check_authority(note, signer=STRANGER.signer, actors={}, members=team)


def test_a_place_adds_neither_itself_nor_another() -> None:
    other = mailbox_of("Elsewhere", "y")
    of_guest = CareTeam(added=(Member(mailbox=other, name="Third", task=MemberTask.CONSULTED),))
    opened = stated(MEDIC, OPENED, 1)
    assert care_team([opened, stated(STRANGER, INVITATION, 3)]) == {SITE, HUB}
    added = [opened, stated(MEDIC, INVITATION, 3), stated(STRANGER, of_guest, 4)]
    assert care_team(added) == {SITE, HUB, GUEST}
    note = STRANGER.entry(Note(language="en", text="x"), counter=9)
    with pytest.raises(AuthorityRefused, match="not a member"):
        check_authority(note, signer=STRANGER.signer, actors={}, members=care_team([opened]))


def test_a_team_is_the_same_in_whatever_order_it_is_told() -> None:
    told = [stated(MEDIC, OPENED, 1), stated(SPECIALIST, REFERRAL, 3), stated(STRANGER, INVITATION, 2)]
    assert {care_team(order) for order in permutations(told)} == {frozenset({SITE, HUB, GUEST})}
