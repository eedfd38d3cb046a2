"""Decides, inside one transaction, which proven entries and layers become part of a case.

Law: an entry is applied once however often it comes, in any order, and never to another patient or another
site's case than its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.actors import Actor, Party
from protocol.authority import care_team, check_authority
from protocol.bundle import LayerBundle
from protocol.clinical import CaseOpened
from protocol.entry import read_entry
from protocol.errors import AuthorityRefused
from protocol.header import Priority
from protocol.ids import CaseId, KeyId, Mailbox
from protocol.prekeys import EpochKey
from protocol.stamps import check_leap
from sync.stores.connection import Connection
from sync.stores.peer_keys import keep_prekey, revocation_of

from ..domain.case_file import site_case_id
from ..storage.cases import (
    CaseHead,
    actors_of,
    add_actor,
    add_layer,
    case_head,
    forget_row,
    highest_counter,
    layers_ahead_count,
    layers_of_case,
    signed_case_head,
    touch_case,
)
from ..storage.entries import (
    add_entry,
    entries_of_case,
    has_entry,
    held_count,
    held_for,
    hold_entry,
    keep_holding,
    release_entry,
)
from ..storage.erasing import drop_late_entry
from ..storage.sites import Directory, Pair
from .opening import ProvenEntry, RefusedEntry
from .provisional import put_contradicted_aside
from .taking_back import take_back_own

HELD_PER_PAIR_MAX: Final = 1024
"""Entries of one pair that may wait for their case or author: 64 MiB at the very most."""
RETRY_ROUNDS_MAX: Final = 8
"""How far one arrival sets free entries that set free others; the rest waits for the next arrival."""
LAYERS_PER_CASE_MAX: Final = 512
LAYERS_AHEAD_MAX: Final = 256
"""Layers of one site whose case has not come yet."""


@dataclass(slots=True)
class _Outcome:
    """What one delivery changed."""

    cases: set[CaseId]
    signers: set[KeyId]
    refused: list[RefusedEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """One delivery being judged: from whom it came, at what priority, when."""

    connection: Connection
    directory: Directory
    pair: Pair
    priority: Priority
    now_s: float

    def entries(self, proven: Iterable[ProvenEntry]) -> tuple[frozenset[CaseId], tuple[RefusedEntry, ...]]:
        """Apply what may stand, hold what must wait; the cases that changed, and what was refused."""
        outcome = _Outcome(set(), set(), [])
        for entry in proven:
            try:
                self._admit(entry, outcome)
            except AuthorityRefused as error:
                refused = RefusedEntry(entry.signed.entry_id, str(error), entry.entry.case_id)
                outcome.refused.append(refused)
        self._retry_held(outcome)
        return frozenset(outcome.cases), tuple(outcome.refused)

    def refuses_layer(self, content: LayerBundle) -> str | None:
        """Why a layer may not be kept, None when it may."""
        head = signed_case_head(self.connection, content.case_id)
        if head is None:
            full = layers_ahead_count(self.connection, self.pair.site) >= LAYERS_AHEAD_MAX
            return "too many pictures of cases that are not known here" if full else None
        if head.site != self.pair.site:
            return "its sender is not the site of this case"
        if len(layers_of_case(self.connection, content.case_id)) >= LAYERS_PER_CASE_MAX:
            return f"its case has {LAYERS_PER_CASE_MAX} pictures already"
        return None

    def layer(self, content: LayerBundle) -> frozenset[CaseId]:
        """Note that its bytes are here; a manifest may have come before, or may come later."""
        add_layer(
            self.connection,
            case_id=content.case_id,
            blob=content.blob,
            layer=content.layer,
            site=self.pair.site,
            size_bytes=len(content.data),
            now_s=self.now_s,
        )
        forget_row(self.connection, content.case_id)
        return frozenset({content.case_id})

    def _admit(self, proven: ProvenEntry, outcome: _Outcome) -> None:
        """`AuthorityRefused` leaves everything as it was."""
        if has_entry(self.connection, proven.signed.entry_id):
            return
        if drop_late_entry(self.connection, proven.signed, proven.entry, self.now_s):
            outcome.cases.add(proven.entry.case_id)
            return
        self._check_revoked(proven)
        if reason := self._why_not_yet(proven):
            self._hold(proven, reason)
        else:
            self._check(proven)
            self._apply(proven, self.priority, outcome)

    def _check_revoked(self, proven: ProvenEntry) -> None:
        """What a revoked device signed and is not here yet may have been written by whoever took it."""
        revocation = revocation_of(self.connection, proven.entry.signer)
        if revocation is not None and revocation.covers(proven.entry.stamp.counter):
            raise AuthorityRefused(
                f"its device's key was revoked as {revocation.reason.name.lower()} before it came"
            )

    def _why_not_yet(self, proven: ProvenEntry) -> str | None:
        """What must come first, None when the entry can be judged."""
        entry = proven.entry
        if proven.signer.party is not Party.SITE and signed_case_head(self.connection, entry.case_id) is None:
            return "its case is not known here yet"
        if any(isinstance(record.body, Actor) for record in entry.records):
            return None
        if entry.author not in actors_of(self.connection, entry.signer):
            return "its author is not known here yet"
        return None

    def _check(self, proven: ProvenEntry) -> None:
        """`AuthorityRefused` unless the entry may stand in its case."""
        entry, signer = proven.entry, proven.signer
        head = signed_case_head(self.connection, entry.case_id)
        if head is not None and head.patient_id != entry.patient_id:
            raise AuthorityRefused("it names another patient than its case does")
        if signer != self.directory.ours and self._is_of_another_site(entry.case_id, signer.mailbox):
            raise AuthorityRefused("its case is where another site keeps its own people and drugs")
        check_leap(entry.counter_last, known=highest_counter(self.connection), party=signer.party)
        ours = self.directory.ours.mailbox
        members = self._members(head, entry.case_id, signer.mailbox) if head else frozenset()
        actors = actors_of(self.connection, entry.signer)
        check_authority(entry, signer=signer, actors=actors, members=members)
        for record in entry.records:
            if isinstance(record.body, CaseOpened) and record.body.hub != ours:
                raise AuthorityRefused("its case asks another hub")
            of_the_site = signer.party is Party.SITE
            if (
                isinstance(record.body, EpochKey)
                and of_the_site
                and entry.case_id != site_case_id(signer.mailbox)
            ):
                raise AuthorityRefused("keys are stated in the site's own case and nowhere else")

    def _members(self, head: CaseHead, case_id: CaseId, author: Mailbox) -> frozenset[Mailbox]:
        """The care team of a case; its entries are read only for a place that is not always in it."""
        always = frozenset({head.site, self.directory.ours.mailbox})
        if author in always:
            return always
        return always | care_team(
            (record, signer.mailbox)
            for stored in entries_of_case(self.connection, case_id)
            if (signer := self.directory.signer((entry := read_entry(stored.signed)).signer)) is not None
            for record in entry.records
        )

    def _is_of_another_site(self, case_id: CaseId, site: Mailbox) -> bool:
        """The pseudo-cases of sites have ids that anybody can compute."""
        return any(pair.site != site and site_case_id(pair.site) == case_id for pair in self.directory.pairs)

    def _apply(self, proven: ProvenEntry, priority: Priority, outcome: _Outcome) -> None:
        entry = proven.entry
        former = case_head(self.connection, entry.case_id)
        head = former if former is not None and former.signed else None
        touch_case(
            self.connection,
            case_id=entry.case_id,
            patient_id=entry.patient_id,
            site=head.site if head else proven.signer.mailbox,
            priority=priority,
            now_s=self.now_s,
            counter=entry.counter_last,
            signed=proven.signer.party is Party.SITE,
        )
        signed = signed_case_head(self.connection, entry.case_id)
        if former is not None and head is None and signed is not None:
            put_contradicted_aside(
                self.connection, claim=former, head=signed, directory=self.directory, now_s=self.now_s
            )
        add_entry(
            self.connection,
            proven.signed,
            case_id=entry.case_id,
            signer=entry.signer,
            author=entry.author,
            now_s=self.now_s,
        )
        for record in entry.records:
            if isinstance(record.body, Actor):
                add_actor(self.connection, entry.signer, record)
            elif isinstance(record.body, EpochKey):
                keep_prekey(self.connection, entry.signer, record)
        if entry.signer == self.directory.ours.key_id:
            take_back_own(self.connection, proven, pair=self.pair, priority=priority, now_s=self.now_s)
        outcome.cases.add(entry.case_id)
        outcome.signers.add(entry.signer)

    def _hold(self, proven: ProvenEntry, reason: str) -> None:
        if held_count(self.connection, self.pair.number) >= HELD_PER_PAIR_MAX:
            raise AuthorityRefused(f"{reason}, and {HELD_PER_PAIR_MAX} entries wait for theirs already")
        hold_entry(
            self.connection,
            proven.signed,
            pair=self.pair.number,
            case_id=proven.entry.case_id,
            signer=proven.entry.signer,
            priority=self.priority,
            reason=reason,
            now_s=self.now_s,
        )

    def _retry_held(self, outcome: _Outcome) -> None:
        """What has come may be what others waited for."""
        for _ in range(RETRY_ROUNDS_MAX):
            freed = sum(
                self._release(case_id, signer, outcome)
                for case_id in tuple(outcome.cases)
                for signer in tuple(outcome.signers)
            )
            if not freed:
                return

    def _release(self, case_id: CaseId, signer: KeyId, outcome: _Outcome) -> int:
        """How many held entries could be applied now; one that is refused stays aside, with the reason."""
        freed = 0
        for held in held_for(self.connection, case_id=case_id, signer=signer):
            entry = read_entry(held.signed)
            known = self.directory.signer(entry.signer)
            if known is None or self._why_not_yet(proven := ProvenEntry(held.signed, entry, known)):
                continue
            try:
                self._check_revoked(proven)
                self._check(proven)
            except AuthorityRefused as error:
                keep_holding(self.connection, held.number, str(error))
                continue
            self._apply(proven, held.priority, outcome)
            release_entry(self.connection, held.number)
            freed += 1
        return freed
