"""Hubs joined, left and joined again in any order, by a daemon that is killed between vault and spool: each
case goes to its own hub alone, and nothing is lost that nobody gave up."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from protocol.actors import Party
from protocol.bundle import BundleContent, EntryBundle
from protocol.entry import SignedEntry, read_entry
from protocol.errors import BaseMissing
from protocol.ids import BundleId, CaseId, EntryId, Mailbox, PatientId, Pseudonym
from protocol.micro import MicroBundle, read_micro
from protocol.orders import Advice
from protocol.ranges import RangeSet
from protocol.records import NewRecord
from protocol.sealing import HpkeSealer, Prekey
from sfnode.errors import EnrolmentRefused, NotEnrolled, NotFound, Refused
from sfnode.services.happenings import NOT_ITS_CASE
from sync.ports import Offer
from sync.stores.database import InlineThread
from tests.sfnode.services.post import Post, join, leaving_of, open_post
from tests.sfnode.services.station import new_case
from tests.sfnode.stand_in_hub import StandInHub, quick_key

Result = TypeVar("Result")

NAMES: Final = ("Duty desk", "Burns centre", "Night desk")
ORGANISATIONS: Final = {"Burns centre": "Other Health"}
"""The other two are desks of one organisation, and so share what the site says of itself."""
HUBS = st.sampled_from(NAMES)
CUT = st.sampled_from(("", "settle", "leave", "withdraw"))
"""Where the daemon is killed, if it comes there."""
MOSTLY = st.sampled_from((True, True, True, False))


class _Killed(Exception):
    """The process ends here."""


@dataclass
class Desk:
    """One hub through all the pairs that it has made with the site, and what reached it under each."""

    name: str
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    opening: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    pairs: list[StandInHub] = field(default_factory=list)
    """The latest last; it may not have been heard of by the site."""
    held: dict[Pseudonym, dict[EntryId, SignedEntry]] = field(default_factory=dict)
    said: list[SignedEntry] = field(default_factory=list)

    @property
    def address(self) -> Mailbox:
        return self.next_pair(Pseudonym(bytes(4))).address

    def next_pair(self, pseudonym: Pseudonym) -> StandInHub:
        return StandInHub(
            name=self.name,
            organisation=ORGANISATIONS.get(self.name, "Example Telemedical Service"),
            pseudonym=pseudonym,
            signing=self.signing,
            opening=self.opening,
        )


@dataclass
class Asked:
    """A case, whom it asks, and the advice that came for it under its own hub's hand."""

    case_id: CaseId
    patient_id: PatientId
    desk: Desk
    advice: set[str] = field(default_factory=set)


class Hubs(RuleBasedStateMachine):
    """One site, whose daemon may be killed, and three hubs."""

    @initialize()
    def open(self) -> None:
        self._runner = asyncio.Runner()
        self._folder = TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self._site = Path(self._folder.name) / "site"
        shutil.copytree(Path(_founded().name) / "site", self._site)
        self._desks = {name: Desk(name) for name in NAMES}
        self._cases: list[Asked] = []
        self._numbers = count(1)
        self._arrivals = count(1)
        self._start()
        for name in NAMES[:2]:
            self._run(self._join(self._desks[name], names_it=False, repeats=False))
            self._run(self._open_case(self._desks[name]))

    def teardown(self) -> None:
        try:
            self._run(self._settle())
        finally:
            self._run(self._stack.aclose())
            self._runner.close()
            self._folder.cleanup()

    @rule()
    def restart(self) -> None:
        self._run(self._stack.aclose())
        self._start()

    @rule(name=HUBS, names_it=MOSTLY, repeats=st.booleans(), cut=CUT)
    def join(self, name: str, names_it: bool, repeats: bool, cut: str) -> None:
        self._run_until(cut, self._join(self._desks[name], names_it=names_it, repeats=repeats))

    @rule(name=HUBS, abandon=st.booleans(), cut=CUT)
    def leave(self, name: str, abandon: bool, cut: str) -> None:
        self._run_until(cut, self._leave(self._desks[name], abandon=abandon))

    @rule(name=HUBS)
    def make_home(self, name: str) -> None:
        self._run(self._make_home(self._desks[name]))

    @rule(name=HUBS)
    def open_case(self, name: str) -> None:
        self._run(self._open_case(self._desks[name]))

    @precondition(lambda self: self._cases)
    @rule(number=st.integers(0, 9))
    def write(self, number: int) -> None:
        case = self._cases[number % len(self._cases)]
        self._run(self._post.book.add_note(case.case_id, language="en", text="No better."))

    @rule()
    def seal(self) -> None:
        self._run(self._post.outbox.seal_waiting())

    @rule(name=HUBS)
    def contact(self, name: str) -> None:
        self._run(self._post.outbox.seal_waiting())
        self._run(self._contact(self._desks[name]))

    @precondition(lambda self: self._cases)
    @rule(name=HUBS, number=st.integers(0, 9))
    def reply(self, name: str, number: int) -> None:
        self._run(self._reply(self._desks[name], self._cases[number % len(self._cases)]))

    @rule()
    def read(self) -> None:
        self._run(self._post.inbox.open_waiting())

    # What each step does, and must do.

    async def _join(self, desk: Desk, *, names_it: bool, repeats: bool) -> None:
        pending = await self._post.spool.pairings.pending()
        # A code is used up by the request that it was first used for.
        if repeats and desk.pairs and pending and pending.code_key == quick_key(desk.pairs[-1].secret):
            hub = desk.pairs[-1]
        else:
            hub = self._new_pair(desk)
        known = await self._post.vault.directory.known_hub(desk.address)
        again = desk.address if names_it else None
        try:
            await join(self._post, hub, again=again)
        except EnrolmentRefused:
            assert known is not None  # Another pair under a known name, that nobody has named.
            assert not names_it
            return
        assert known is None or names_it or known.pseudonym == hub.pseudonym

    def _new_pair(self, desk: Desk) -> StandInHub:
        desk.pairs.append(desk.next_pair(Pseudonym(next(self._numbers).to_bytes(4, "big"))))
        return desk.pairs[-1]

    async def _leave(self, desk: Desk, *, abandon: bool) -> None:
        """Also one that is half joined, or half left."""
        pairing = await self._post.spool.pairings.at(desk.address)
        present = await self._post.vault.directory.hub(desk.address)
        try:
            left = await leaving_of(self._post).leave(desk.address, abandon=abandon)
        except NotFound:
            assert pairing is None
            assert present is None
            return
        except Refused:
            assert not abandon
            return
        if not left.abandoned:
            held = {} if pairing is None else desk.held.get(pairing.pseudonym, {})
            for case in self._cases:
                assert case.desk is not desk or await self._entries(case) <= held.keys()

    async def _make_home(self, desk: Desk) -> None:
        if (pairing := await self._post.spool.pairings.at(desk.address)) is not None:
            await self._post.spool.pairings.make_home(pairing)
        pairings = await self._post.spool.pairings.all()
        assert sum(each.is_home for each in pairings) == min(1, len(pairings))

    async def _open_case(self, desk: Desk) -> None:
        present = await self._post.vault.directory.hub(desk.address)
        try:
            case_id = (await self._post.book.open_case(new_case(hub=desk.address))).case_id
        except (NotFound, NotEnrolled):
            assert present is None
            return
        assert present is not None
        queued = await self._post.book.send_case(case_id)
        patients = {
            read_entry(signed).patient_id
            for each in queued
            if isinstance(each.content, EntryBundle)
            for signed in each.content.entries
        }
        self._cases.append(Asked(case_id, patients.pop(), desk))

    async def _contact(self, desk: Desk) -> None:
        """The hub takes all that waits for it under the pair of now."""
        pairing = await self._post.spool.pairings.at(desk.address)
        if pairing is None:
            return
        hub = next(each for each in desk.pairs if each.pseudonym == pairing.pseudonym)
        custody = await self._post.spool.custody(pairing)
        taken: list[tuple[int, BundleId]] = []
        for bundle in await custody.outgoing(RangeSet()):
            sealed = await custody.read(bundle.offer.sequence, 0, bundle.offer.size_bytes)
            self._hears(desk, hub.pseudonym, _opened(desk, hub, bundle.offer, sealed))
            taken.append((bundle.offer.sequence, bundle.offer.bundle_id))
        await custody.mark_stored(RangeSet.of([(number, number + 1) for number, _ in taken]))
        names = [name for _, name in taken]
        await self._post.spool.transfers.note_stored(pairing.pseudonym, names, now_s=1)

    def _hears(self, desk: Desk, pair: Pseudonym, content: BundleContent) -> None:
        ours = {case.case_id: case.desk for case in self._cases}
        if isinstance(content, MicroBundle):
            assert ours[read_micro(content).record.case_id] is desk
            return
        assert isinstance(content, EntryBundle)
        for signed in content.entries:
            # What is no case is what the site says of itself.
            assert ours.get(read_entry(signed).case_id, desk) is desk
            desk.held.setdefault(pair, {})[signed.entry_id] = signed

    async def _reply(self, desk: Desk, case: Asked) -> None:
        """Whole in custody, so the hub is told that it is here and never sends it again."""
        pairing = await self._post.spool.pairings.at(desk.address)
        if pairing is None:
            return
        hub = next(each for each in desk.pairs if each.pseudonym == pairing.pseudonym)
        text = f"{desk.name} says {len(desk.said)}."
        signed = hub.sign([NewRecord(Advice(text=text))], case_id=case.case_id, patient_id=case.patient_id)
        desk.said.append(signed)
        await self._post.arrive_from(hub, hub.seal_entry(signed), next(self._arrivals))
        if case.desk is desk:
            case.advice.add(text)

    # At the end.

    async def _settle(self) -> None:
        """Whoever is not left is joined for good; then all has gone where it should."""
        for desk in self._desks.values():
            pairing = await self._post.spool.pairings.at(desk.address)
            present = await self._post.vault.directory.hub(desk.address)
            if present is not None and (pairing is None or pairing.pseudonym != present.pseudonym):
                await join(self._post, self._new_pair(desk), again=desk.address)
        await self._post.outbox.seal_waiting()
        await self._post.inbox.open_waiting()
        for desk in self._desks.values():
            await self._contact(desk)
        for case in self._cases:
            await self._check(case)
        assert {each.reason for each in await self._post.book.quarantined()} <= {NOT_ITS_CASE}
        assert self._post.troubles == []

    async def _check(self, case: Asked) -> None:
        advice = (await self._post.book.plan_view(case.case_id)).advice
        assert len(advice) == len(case.advice)
        assert all(any(said in shown for shown in advice) for said in case.advice)
        present = await self._post.vault.directory.hub(case.desk.address)
        if present is not None:
            assert await self._entries(case) <= case.desk.held.get(present.pseudonym, {}).keys()

    async def _entries(self, case: Asked) -> set[EntryId]:
        """Of our own, as the vault has them."""
        rows = await self._post.vault.vault.database.read(
            lambda connection: connection.execute(
                "SELECT entry_id FROM entry WHERE case_id = ? AND party = ?",
                (case.case_id, Party.SITE),
            ).fetchall()
        )
        return {EntryId(entry_id) for (entry_id,) in rows}

    # The daemon.

    def _start(self) -> None:
        self._stack = AsyncExitStack()
        opening = open_post(self._site, hub=StandInHub(), execution=InlineThread)
        self._post: Post = self._run(self._stack.enter_async_context(opening))
        self._run(self._post.inbox.recover())

    def _run(self, work: Awaitable[Result]) -> Result:
        async def awaited() -> Result:
            return await work

        return self._runner.run(awaited())

    def _run_until(self, cut: str, work: Awaitable[None]) -> None:
        """As far as the daemon comes before it is killed there, if it is; then it starts again."""
        self._run(_kill_at(self._post, cut))
        with suppress(_Killed):
            self._run(work)
        if cut:
            self.restart()


def _opened(desk: Desk, hub: StandInHub, offer: Offer, sealed: bytes) -> BundleContent:
    """With what the hub holds under that pair, where it is a difference."""
    keys = {Prekey(hub.opening.public_key().public_bytes_raw()).short_id: hub.opening}
    sealer = HpkeSealer(os.urandom)
    try:
        return hub.up.open(offer, sealed, keys=keys, sealer=sealer)
    except BaseMissing as missing:
        known = [*desk.held.get(hub.pseudonym, {}).values(), *desk.said]
        base = next(each for each in known if each.entry_id.startswith(missing.base_id))
        return hub.up.open(offer, sealed, keys=keys, sealer=sealer, base=base)


async def _kill_at(post: Post, cut: str) -> None:
    """That step of the spool's ends the process."""

    async def killed(*_: object) -> None:
        raise _Killed

    if cut in ("settle", "leave"):
        setattr(post.spool.pairings, cut, killed)
    if cut == "withdraw":
        for pairing in await post.spool.pairings.all():
            setattr(await post.spool.custody(pairing), cut, killed)


@cache
def _founded() -> TemporaryDirectory[str]:
    """A site that has joined nobody, made once."""

    async def found(folder: Path) -> None:
        async with open_post(folder, enrolled=False):
            pass

    folder = TemporaryDirectory()
    asyncio.run(found(Path(folder.name) / "site"))
    return folder


def test_cases_go_to_their_hub_and_nothing_is_lost_whatever_is_joined_left_and_killed() -> None:
    run_state_machine_as_test(Hubs, settings=settings(max_examples=40, stateful_step_count=40))
