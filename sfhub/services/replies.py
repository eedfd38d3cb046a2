"""What clinicians write: replies, immediate advice, questions, and that somebody has opened a case.

Law: entry and outbox row are one transaction; a reply states exactly what its author had seen, never what
arrived while it was typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from protocol.ahead import HASTY
from protocol.basis import RELEVANT, basis_of
from protocol.bundle import EntryBundle
from protocol.catalogue import catalogue
from protocol.entry import SignedEntry, read_entry, write_entry
from protocol.errors import InvalidRecord
from protocol.header import Priority
from protocol.ids import CaseId, RecordId
from protocol.limits import REFERENCES_PER_RECORD_MAX
from protocol.orders import Advice, Reply, Seen
from protocol.questions import Question
from protocol.records import Kind, NewRecord, Record, Reference, Relation
from protocol.schema import encode_fields
from protocol.stamps import Stamp
from sync.envelope import enveloped_size_bytes
from sync.ports import Clock
from sync.stores.connection import Connection
from sync.stores.database import Database

from ..domain.case_file import CaseFile
from ..domain.cautions import cautions
from ..domain.composer import compose
from ..domain.prior_orders import prior_orders
from ..domain.reply_view import fact_text, open_orders
from ..errors import (
    BadRequest,
    CautionsBeforeSending,
    NewsBeforeSending,
    NotAllowed,
    NotFound,
    Problem,
    ReplyIncomplete,
)
from ..keystore import KeyStore
from ..storage.cases import add_actor, touch_case
from ..storage.entries import add_entry
from ..storage.outbox import add_to_outbox
from ..storage.people import Clinician
from ..views import SentView
from .case_files import load_case, site_capability
from .changes import Changes
from .outbox import Outbox
from .sites import Sites

Result = TypeVar("Result")

QUESTIONS_MAX: Final = 8
"""Asked at once: more are a form, and nobody at a bedside fills in a form."""


class Look(Enum):
    """Whether something that its author should look at holds a reply back."""

    FIRST = "first"
    """Say it and send nothing; what the author has acknowledged is passed over."""
    AFTER = "after"
    """Send, and say it then: for a script, that nobody sits before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A reply as its author typed it."""

    values: Mapping[str, Any]
    seen: int | None = None
    """The newest entry its author had before him; None is all that is here."""
    look: Look = Look.AFTER
    acknowledged: frozenset[str] = frozenset()
    """Cautions that the author has read and sends the reply in spite of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    signed: SignedEntry
    record: RecordId
    file: CaseFile


class Replies:
    """Writes, signs, saves and hands over."""

    def __init__(
        self,
        database: Database,
        sites: Sites,
        keys: KeyStore,
        outbox: Outbox,
        changes: Changes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._sites = sites
        self._keys = keys
        self._outbox = outbox
        self._changes = changes
        self._clock = clock

    async def send(self, case_id: CaseId, author: Clinician, draft: Draft) -> SentView:
        """Sign and queue a reply. `ReplyIncomplete`, `NewsBeforeSending`, `CautionsBeforeSending` and
        `NotAllowed` leave everything as it was."""
        self._check_prescriber(author)

        def work(connection: Connection) -> tuple[_Written, tuple[str, ...]]:
            file = load_case(connection, case_id, self._sites.directory)
            capability = site_capability(connection, file.site)
            seen = file.seen if draft.seen is None else min(draft.seen, file.seen)
            values = dict(draft.values)
            prior = prior_orders(values.pop("prior", None), open_orders(file, seen), file.state.orders)
            reply = compose(values, basis=basis_of(file.upto(seen)), prior=prior, capability=capability)
            sayings = cautions(reply, file, capability)
            if (again := _same_reply(file, author, reply)) is not None:
                return again, sayings
            if draft.look is Look.FIRST and file.urgency is not Priority.EMERGENCY:
                _hold_back(file, seen, sayings, draft.acknowledged)
            new = NewRecord(reply, refs=_reply_refs(file, seen))
            written = self._write(connection, file, author, [new], "reply", file.urgency)
            if file.urgency in HASTY:
                self._send_first_orders(connection, written)
            return written, sayings

        try:
            written, sayings = await self._commit(work)
        except InvalidRecord as error:
            # Each field fits and all of them together do not.
            raise ReplyIncomplete([Problem("", f"The reply: {error}. Shorten it.")]) from error
        return self._hand_over(written, "reply", sayings)

    async def advise(self, case_id: CaseId, author: Clinician, text: str) -> SentView:
        """Immediate advice: class 0, nothing is checked but that it can be written."""
        self._check_prescriber(author)
        if not text.strip():
            raise ReplyIncomplete([Problem("text", "The advice is empty.")])

        def work(connection: Connection) -> _Written:
            file = load_case(connection, case_id, self._sites.directory)
            new = NewRecord(Advice(text=text.strip()), refs=_case_refs(file, Relation.ANSWERS))
            return self._write(connection, file, author, [new], "immediate advice", Priority.EMERGENCY)

        try:
            written = await self._commit(work)
        except InvalidRecord as error:
            raise ReplyIncomplete([Problem("text", f"The advice: {error}.")]) from error
        return self._hand_over(written, "immediate advice", ())

    async def ask(
        self, case_id: CaseId, author: Clinician, codes: Sequence[int], *, within_min: int | None = None
    ) -> SentView:
        """Ask coded questions of the catalogue, in one signed entry; a coordinator may, too. `BadRequest`
        names what the catalogue does not have."""
        questions = [_question(code, within_min) for code in dict.fromkeys(codes)]
        if not 1 <= len(questions) <= QUESTIONS_MAX:
            raise BadRequest(f"One to {QUESTIONS_MAX} questions are asked at once. Nothing was sent.")
        what = "question" if len(questions) == 1 else f"{len(questions)} questions"

        def work(connection: Connection) -> _Written:
            file = load_case(connection, case_id, self._sites.directory)
            if not file.is_consult:
                raise NotAllowed("This is a site's own file, not a patient's case. Nothing was sent.")
            news = [NewRecord(question) for question in questions]
            return self._write(connection, file, author, news, what, file.urgency)

        return self._hand_over(await self._commit(work), what, ())

    async def mark_seen(self, case_id: CaseId, author: Clinician) -> bool:
        """The first clinician who opens a case tells the site so; False when somebody had."""

        def work(connection: Connection) -> _Written | None:
            file = load_case(connection, case_id, self._sites.directory)
            if file.state.case_seen or not file.is_consult:
                return None
            new = NewRecord(Seen(), refs=_case_refs(file, Relation.ABOUT), kind=Kind.CASE_SEEN)
            return self._write(connection, file, author, [new], "case seen", file.urgency)

        written = await self._commit(work)
        if written is not None:
            self._hand_over(written, "case seen", ())
        return written is not None

    async def _commit(self, work: Callable[[Connection], Result]) -> Result:
        """The outbox hears of what was saved even when our caller has gone in the meantime."""
        loop = asyncio.get_running_loop()
        return await self._database.write(work, then=lambda: loop.call_soon_threadsafe(self._outbox.wake))

    def _check_prescriber(self, author: Clinician) -> None:
        if not author.may_prescribe:
            raise NotAllowed(
                f"{author.name} is a {author.role.name.lower()} and may not advise on treatment. Nothing was "
                "sent. A specialist has to answer."
            )

    def _write(
        self,
        connection: Connection,
        file: CaseFile,
        author: Clinician,
        news: Sequence[NewRecord],
        what: str,
        priority: Priority,
    ) -> _Written:
        """One entry: who speaks, and what he says, so that neither can arrive without the other."""
        pair = self._sites.directory.newest_pair(file.site)
        if pair is None:
            raise NotFound(f"{file.site_name} is not enrolled any more: nothing can be sent there.")
        now_s = self._clock.wall_s()
        signed = write_entry(
            [NewRecord(author.introduction), *news],
            case_id=file.case_id,
            patient_id=file.patient_id,
            author=author.actor,
            stamp=Stamp(file.counter_next, int(now_s)),
            key=self._keys.signing,
        )
        add_entry(
            connection,
            signed,
            case_id=file.case_id,
            signer=self._keys.signing_id,
            author=author.actor,
            now_s=now_s,
        )
        entry = read_entry(signed)
        add_actor(connection, self._keys.signing_id, entry.records[0])
        touch_case(
            connection,
            case_id=file.case_id,
            patient_id=file.patient_id,
            site=file.site,
            priority=file.bundle_priority,
            now_s=now_s,
            counter=entry.counter_last,
            signed=False,
        )
        add_to_outbox(
            connection,
            pair=pair.number,
            case_id=file.case_id,
            entry_id=signed.entry_id,
            what=what,
            priority=priority,
            now_s=now_s,
        )
        return _Written(signed=signed, record=entry.records[-1].record_id, file=file)

    def _send_first_orders(self, connection: Connection, written: _Written) -> None:
        """The reply headline goes ahead of the signed reply: it is sealed from the same entry in its turn."""
        pair = self._sites.directory.newest_pair(written.file.site)
        if pair is not None:
            add_to_outbox(
                connection,
                pair=pair.number,
                case_id=written.file.case_id,
                entry_id=written.signed.entry_id,
                headline=True,
                what="first orders",
                priority=written.file.urgency,
                now_s=self._clock.wall_s(),
            )

    def _hand_over(self, written: _Written, what: str, sayings: tuple[str, ...]) -> SentView:
        self._changes.publish({written.file.case_id})
        return SentView(
            case=written.file.case_id.hex(),
            record=written.record.hex(),
            what=what,
            size_bytes=enveloped_size_bytes(EntryBundle((written.signed,))),
            cautions=sayings,
        )


def _question(code: int, within_min: int | None) -> Question:
    if code not in catalogue().questions:
        raise BadRequest(
            f"The catalogue has no question {code}. Nothing was sent. `sfhub question list` shows its "
            "questions."
        )
    question = Question(code=code, answer_within_min=within_min)
    try:
        encode_fields(question)
    except InvalidRecord as error:
        raise BadRequest(f"{error}. Nothing was sent.") from error
    return question


def _same_reply(file: CaseFile, author: Clinician, reply: Reply) -> _Written | None:
    """A form that was sent twice is one reply: same author, same words, written on the same knowledge."""
    for record in (*file.state.replies, *file.state.superseded_replies):
        if record.author == author.actor and record.body == reply:
            signed = file.arrival(record).signed
            return _Written(signed=signed, record=record.record_id, file=file)
    return None


def _hold_back(file: CaseFile, seen: int, sayings: tuple[str, ...], acknowledged: frozenset[str]) -> None:
    """Raises when the author should look once more; at class 0 nobody asks."""
    unseen = [record for record in _site_facts(file) if file.arrival(record).number > seen]
    if unseen:
        raise NewsBeforeSending([fact_text(record) for record in unseen])
    if fresh := [saying for saying in sayings if saying not in acknowledged]:
        raise CautionsBeforeSending(fresh)


def _site_facts(file: CaseFile) -> tuple[Record, ...]:
    """What the site has said that may change an answer."""
    return file.of_site(RELEVANT)


def _reply_refs(file: CaseFile, seen: int) -> tuple[Reference, ...]:
    """It answers the case, takes the place of the current replies that its author has seen, and names the
    moves: it is meant for whoever is treated here. One move too many to be named only suspends its orders."""
    replaced = [record for record in file.state.replies if file.arrival(record).number <= seen]
    moves = [state.moved for state in file.state.moves if file.arrival(state.moved).number <= seen]
    refs = (
        *_case_refs(file, Relation.ANSWERS),
        *(Reference(Relation.SUPERSEDES, record.record_id) for record in replaced),
        *(Reference(Relation.ABOUT, record.record_id) for record in reversed(moves)),
    )
    return refs[:REFERENCES_PER_RECORD_MAX]


def _case_refs(file: CaseFile, relation: Relation) -> tuple[Reference, ...]:
    first = (*file.state.opened, *file.state.headlines)[:1]
    return tuple(Reference(relation, record.record_id) for record in first)
