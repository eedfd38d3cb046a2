"""Send a case that lacks what its form requires: what it lacks in words, and a second, deliberate act."""

from __future__ import annotations

from collections.abc import Mapping

from sfnode.errors import NodeError
from sfnode.views import CaseView
from tui.answers import Sent
from tui.lines import EMPTY, Line, Span, Tone, line, wrap_after
from tui.sheets.case import needed_to_send
from tui.sheets.transfers import price_words, sent_words
from tui.widgets import Block
from tui.work import start

from .form import FormPage
from .page import READING_S


class SendAsItIsPage(FormPage):
    """The case says afterwards what it was sent without; keys typed before this could be read do not send."""

    TITLE_WORDS = "send as it is"
    save_words = "Send it without them"
    opens_on_confirm = True

    def __init__(self, view: CaseView) -> None:
        super().__init__(f"send {view.row.case}")
        self._view = view
        self._price = ""
        self._shown_s = 0.0
        self._sent: Sent | None = None

    def on_mount(self) -> None:
        self._shown_s = self.shell.steady_s
        start(self, self._ask_price, name="price")

    def intro(self, width: int) -> tuple[Line, ...]:
        row = self._view.row
        asked = Span(f"   to {row.hub}" if row.hub else "")
        who = line(" ", Span("NOT COMPLETE", Tone.HEADING), "   ", Span(row.patient, Tone.STRONG), asked)
        how = "Esc goes back: v adds vital signs, u age, sex and allergies, n a note."
        what = "Sent as it is, the case will say that it was sent without them."
        return (
            who,
            *wrap_after((Span(" "),), row.complaint, width - 1),
            EMPTY,
            line(" ", Span("Its form needs these to be sent, and nobody has answered them:", Tone.WARNING)),
            *(
                part
                for label in needed_to_send(self._view)
                for part in wrap_after((Span("   - "),), label, width - 1, tone=Tone.STRONG)
            ),
            EMPTY,
            *wrap_after((Span(" "),), how, width - 1),
            *wrap_after((Span(" "),), what, width - 1),
            *(wrap_after((Span(" "),), self._price, width - 1, tone=Tone.FAINT) if self._price else ()),
            EMPTY,
        )

    async def save(self, answers: Mapping[str, str]) -> None:
        self._sent = await self.shell.daemon.send(self._view.row.case, accept_missing=True)

    def saved(self) -> None:
        if self._sent is None:
            raise LookupError("a case was sent without an answer")
        self.shell.leave(*sent_words(self._sent))
        self.shell.reload()

    def _begin_save(self) -> None:
        if self.shell.steady_s - self._shown_s < READING_S:
            self.shell.forget_keys()
            self.say("Not sent: read first what is missing. Enter sends it.", Tone.WARNING)
            return
        super()._begin_save()

    async def _ask_price(self) -> None:
        try:
            price = await self.shell.daemon.price(self._view.row.case)
        except NodeError:
            return  # It can be sent without knowing.
        self._price = f"It takes {price_words(price)}" if price.links else price_words(price)
        self.query_one("#head", Block).renew()
