"""Authority: the table decides, site keys never prescribe, and nobody speaks in a case that is not theirs."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.actors import Actor, Role
from protocol.authority import MAY_WRITE, check_authority
from protocol.basis import basis_of
from protocol.clinical import CaseOpened, Note, Vitals
from protocol.errors import AuthorityRefused
from protocol.orders import Reply
from protocol.records import BODIES, Kind
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
