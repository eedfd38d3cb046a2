"""Calls that concern cases: what each needs of the casebook, and what it answers."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from protocol.ids import CaseId, Mailbox
from sfnode.domain import intake
from sfnode.domain.asked import ANSWER_STATES
from sfnode.domain.form import choose
from sfnode.domain.templates import site_templates
from sfnode.media.photo import layers_from_file
from sfnode.services.alarms import Alarms
from sfnode.services.casebook import CaseBook
from sfnode.services.clock import SiteClock
from sfnode.services.erasing import Erasing
from sfnode.services.happenings import Saved
from sfnode.services.hub_links import no_link_sentence
from sfnode.services.outbox import Outbox
from sfnode.services.prices import Prices
from sfnode.services.transfers import TransferList
from sfnode.services.vault_access import VaultAccess
from sfnode.spool.pairing import Pairings
from sfnode.views import to_primitive

from .parameters import Parameters


class CaseCalls:
    """Every method needs the vault to be open, except those that only list what the spool knows."""

    def __init__(
        self,
        vault: VaultAccess,
        *,
        outbox: Outbox,
        erasing: Erasing,
        alarms: Alarms,
        transfers: TransferList,
        prices: Prices,
        pairings: Pairings,
        clock: SiteClock,
        language: str,
    ) -> None:
        self._vault = vault
        self._outbox = outbox
        self._erasing = erasing
        self._alarms = alarms
        self._transfers = transfers
        self._prices = prices
        self._pairings = pairings
        self._clock = clock
        self._language = language

    @property
    def _casebook(self) -> CaseBook:
        return self._vault.casebook

    async def templates(self, params: Parameters) -> Any:
        params.end()
        return [asdict(template) for template in site_templates()]

    async def cases(self, params: Parameters) -> Any:
        params.end()
        return [to_primitive(row) for row in await self._casebook.case_rows()]

    async def case(self, params: Parameters) -> Any:
        return to_primitive(await self._casebook.case_view(await self._only_case(params)))

    async def case_new(self, params: Parameters) -> Any:
        hub = await self._asked(params.optional_text("hub"))
        new = replace(intake.new_case(params.rest(), language=self._language), hub=hub)
        saved = await self._casebook.open_case(new)
        row = await self._casebook.case_row(saved.case_id)
        return {"case": row.case, "short": row.short}

    async def case_close(self, params: Parameters) -> Any:
        case_id, outcome = await self._case(params), params.text("outcome")
        params.end()
        return await self._saved(await self._casebook.close_case(case_id, outcome=outcome))

    async def case_erase(self, params: Parameters) -> Any:
        """Answered once nothing of it can be read; what is left to do in other files, each start does."""
        case_id, reason, withdraw = await self._case(params), params.text("reason"), params.flag("withdraw")
        params.end()
        if not withdraw:
            await self._erasing.check_delivered(case_id)
        erasure = await self._casebook.erase_case(case_id, reason=reason)
        await self._erasing.carry_through()
        await self._alarms.take_over_from_neutral()
        await self._outbox.seal_waiting()
        return {
            "case": case_id.hex(),
            "erased_s": erasure.erased_s,
            "erased_by": erasure.erased_by,
            "reason": erasure.reason,
        }

    async def vitals_add(self, params: Parameters) -> Any:
        case_id = await self._case(params)
        sets = intake.vitals_sets(params.maps("sets"), now_s=self._now_s())
        params.end()
        return await self._saved(await self._casebook.add_vitals(case_id, sets))

    async def note_add(self, params: Parameters) -> Any:
        case_id, text = await self._case(params), params.text("text")
        language = params.optional_text("language") or self._language
        params.end()
        return await self._saved(await self._casebook.add_note(case_id, language=language, text=text))

    async def note_correct(self, params: Parameters) -> Any:
        case_id, note, text = await self._case(params), params.text("note"), params.text("text")
        language = params.optional_text("language")
        params.end()
        return await self._saved(
            await self._casebook.correct_note(case_id, note, language=language, text=text)
        )

    async def question_answer(self, params: Parameters) -> Any:
        case_id, question = await self._case(params), params.text("question")
        value, word = params.optional_text("value"), params.optional_text("state") or "answered"
        params.end()
        state = choose("state", word, ANSWER_STATES)
        return await self._saved(
            await self._casebook.answer_question(case_id, question, value=value, state=state)
        )

    async def treatment_add(self, params: Parameters) -> Any:
        case_id = await self._case(params)
        treatment = intake.treatment(params.rest(), now_s=self._now_s())
        return await self._saved(await self._casebook.add_treatment(case_id, treatment))

    async def patient_update(self, params: Parameters) -> Any:
        case_id = await self._case(params)
        change = intake.patient_change(params.rest())
        return await self._saved(await self._casebook.update_patient(case_id, change.applied_to))

    async def photo_add(self, params: Parameters) -> Any:
        case_id, path, caption = await self._case(params), Path(params.text("path")), params.text("caption")
        params.end()
        photo = await layers_from_file(path)
        # The screens say that the original stays at the site: it does, whatever becomes of the file.
        original = await asyncio.to_thread(path.read_bytes)
        view = await self._casebook.add_photo(case_id, photo, caption=caption, original=original)
        await self._outbox.seal_waiting()
        return to_primitive(view)

    async def send(self, params: Parameters) -> Any:
        """Answered once custody has it all: a kill after that loses nothing and needs no passphrase."""
        case_id, accept_missing = await self._case(params), params.flag("accept_missing")
        params.end()
        await self._casebook.send_case(case_id, accept_missing=accept_missing)
        await self._outbox.seal_waiting()
        bundles = await self._casebook.transfer_views(case_id)
        left_bytes = sum(view.size_bytes - view.done_bytes for view in bundles)
        foreseen = await self._prices.view(case_id.hex())
        price = foreseen.first
        return {
            "bundles": [to_primitive(view) for view in bundles],
            "bytes": left_bytes,
            "seconds": None if price is None else price.seconds,
            "usd": None if price is None else price.usd,
            "price": None if price is None else to_primitive(price),
            "no_link": "" if price is not None else await self._no_link(case_id),
            "held_count": foreseen.held_count,
            "arrival": foreseen.arrival,
        }

    async def transfers(self, params: Parameters) -> Any:
        name = params.optional_text("case")
        params.end()
        case_id = None if name is None else await self._casebook.find_case(name)
        return [to_primitive(view) for view in await self._transfers.views(case_id)]

    async def plan(self, params: Parameters) -> Any:
        case_id, seen = await self._case(params), params.flag("seen")
        params.end()
        if seen:
            await self._casebook.mark_reply_seen(case_id)
            await self._outbox.seal_waiting()
        return to_primitive(await self._casebook.plan_view(case_id))

    async def plan_accept(self, params: Parameters) -> Any:
        case_id, remark = await self._case(params), params.optional_text("remark")
        params.end()
        return await self._saved(await self._casebook.accept_plan(case_id, remark=remark))

    async def order_confirm(self, params: Parameters) -> Any:
        case_id, order = await self._case(params), params.integer("order")
        reply, read_back = params.optional_text("reply"), params.optional_text("read_back")
        params.end()
        return await self._saved(
            await self._casebook.confirm_order(case_id, order, reply=reply, read_back=read_back)
        )

    async def order_done(self, params: Parameters) -> Any:
        case_id, order = await self._case(params), params.integer("order")
        reply, dose = params.optional_text("reply"), params.optional_text("dose")
        given_s, remark = params.optional_integer("given_s"), params.optional_text("remark")
        params.end()
        return await self._saved(
            await self._casebook.give_order(
                case_id, order, reply=reply, dose=dose, given_s=given_s, remark=remark
            )
        )

    async def order_refuse(self, params: Parameters) -> Any:
        case_id, order = await self._case(params), params.integer("order")
        reply, reason = params.optional_text("reply"), params.text("reason")
        params.end()
        return await self._saved(
            await self._casebook.refuse_order(case_id, order, reason=reason, reply=reply)
        )

    async def capability(self, params: Parameters) -> Any:
        params.end()
        capability = await self._casebook.capability()
        return {"version": 0, "items": []} if capability is None else asdict(capability)

    async def capability_set(self, params: Parameters) -> Any:
        items = intake.capability_items(params.maps("items"))
        params.end()
        capability = await self._casebook.set_capability(items)
        await self._outbox.seal_waiting()
        return asdict(capability)

    async def _saved(self, saved: Saved) -> Any:
        """Answered once what must leave or ring has left the vault: then a kill needs no passphrase."""
        await self._alarms.keep(saved.alarms)
        await self._outbox.seal_waiting()
        return {
            "case": saved.case_id.hex(),
            "records": [record.hex() for record in saved.records],
            "alarms": [to_primitive(alarm) for alarm in saved.alarms],
        }

    async def _asked(self, name: str | None) -> Mailbox | None:
        """The hub that a case asks: the one named, else the home hub. None before enrolment. `NotFound`."""
        asked = await (self._pairings.home() if name is None else self._pairings.named(name))
        return None if asked is None else asked.hub

    async def _no_link(self, case_id: CaseId) -> str:
        """That nothing of the case is on its way, and what would help."""
        hub = await self._pairings.at(await self._casebook.hub_of(case_id))
        return "" if hub is None else no_link_sentence([hub.name])

    async def _only_case(self, params: Parameters) -> CaseId:
        case_id = await self._case(params)
        params.end()
        return case_id

    async def _case(self, params: Parameters) -> CaseId:
        return await self._casebook.find_case(params.text("case"))

    def _now_s(self) -> int:
        return max(0, int(self._clock.wall_s()))
