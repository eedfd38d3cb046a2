"""One case: its facts always in sight, the plan as an action sheet, and all that can be done for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from sfnode.errors import NodeError
from sfnode.views import CaseView, NoteView, OrderView, TransferView
from tui.answers import Happening
from tui.lines import Line, Row, Span, Tone, line, row
from tui.sheets.case import head_lines, main_rows, needed_to_send, note_at, question_at, side_rows
from tui.sheets.plan import OrderKey, accept_needed, find_order
from tui.sheets.transfers import sent_words
from tui.widgets import Block, Sheet
from tui.work import start

from .page import Page
from .send_question import SendQuestion

WIDE_CELLS: Final = 110
_ORDER_ACTIONS: Final = ("confirm", "done", "refuse")


class CasePage(Page):
    """The cursor stands on orders; keys act on the one it stands on."""

    TITLE_WORDS = "case"
    AUTO_FOCUS = "#main"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "confirm", "confirm order"),
        Binding("d", "done", "done"),
        Binding("x", "refuse", "refuse order"),
        Binding("y", "accept", "accept reply"),
        Binding("s", "send", "send"),
        Binding("v", "vitals", "vitals"),
        Binding("p", "photo", "photo"),
        Binding("w", "answer", "answer question"),
        Binding("n", "note", "note"),
        Binding("e", "correct", "correct note"),
        Binding("m", "treatment", "treatment"),
        Binding("g", "allergy", "new allergy"),
        Binding("u", "patient", "patient"),
        Binding("tab", "app.focus_next", "other column", show=False),
    ]

    def __init__(self, case: str) -> None:
        super().__init__(loads=True)
        self.case = case
        self.view: CaseView | None = None
        self._question = SendQuestion(self)

    def body(self) -> Iterable[Widget]:
        yield Block(self._head, id="head")
        with Horizontal(id="columns"):
            yield Sheet(self._main, id="main")
            yield Sheet(self._side, id="side")

    def on_mount(self) -> None:
        self._load()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE_CELLS, "wide")
        self._show()

    def refreshed(self, event: Happening | None) -> None:
        """Another load only when this case changed; progress comes with the event itself."""
        if (
            event is None
            or event == self.case
            or (isinstance(event, TransferView) and event.case == self.case)
        ):
            self._load()

    @property
    def order(self) -> OrderView | None:
        """The order under the cursor."""
        if self.view is None:
            return None
        return find_order(self.view.plan, OrderKey.parse(self._cursor))

    @property
    def note(self) -> NoteView | None:
        """The note that can be corrected now."""
        return None if self.view is None else note_at(self.view, self._cursor)

    @property
    def _cursor(self) -> str | None:
        return self.query_one("#main", Sheet).cursor

    def useful(self) -> Sequence[str]:
        if self.view is not None and self.view.row.state == "draft":
            return ("send", "vitals", "photo", "note")
        if self.view is not None and accept_needed(self.view.plan):
            return ("accept", "confirm", "done", "vitals")
        if self.order is not None:
            return ("confirm", "done", "refuse", "vitals")
        if self.view is not None and self.view.questions:
            return ("answer", "vitals", "photo", "note")
        if self.note is not None:
            return ("vitals", "photo", "note", "correct")
        return ("vitals", "photo", "note", "treatment")

    def why_not(self, action: str) -> str | None:
        if self.view is None:
            return "The case is not loaded yet." if action in _NEEDS_CASE else None
        if action in _ORDER_ACTIONS:
            return self._why_no_order(action)
        if action == "accept" and not accept_needed(self.view.plan):
            return "There is nothing that a reply did not know of and nobody has accepted."
        if action == "answer" and not self.view.questions:
            return "The hub asks nothing that waits for an answer."
        if action == "correct" and self.note is None:
            return "Put the cursor on the note to correct."
        if action == "send" and self.view.row.state != "draft":
            return "This case was sent; what you add follows by itself."
        return None

    def action_confirm(self) -> None:
        order = self.order
        if self.refused("confirm") or order is None:
            return
        if order.read_back:
            self._ask_for("order_confirm", order)
        else:
            self._act(
                "order_confirm",
                {"order": order.number, "reply": order.reply},
                f"Order {order.number} confirmed.",
            )

    def action_done(self) -> None:
        order = self.order
        if not self.refused("done") and order is not None:
            self._ask_for("order_done", order)

    def action_refuse(self) -> None:
        order = self.order
        if not self.refused("refuse") and order is not None:
            self._ask_for("order_refuse", order)

    def action_accept(self) -> None:
        if not self.refused("accept") and self.view is not None and self.view.plan is not None:
            from .acts import AcceptPage

            self.shell.open(AcceptPage(self.view))

    def action_send(self) -> None:
        """Twice, because bytes cost money; an emergency goes at the first key."""
        if self.refused("send") or self.view is None:
            return
        if self.view.row.urgency != "EMER":
            if needed_to_send(self.view):
                self._offer_as_it_is(self.view)
                return
            if not self._question.is_answered():
                self._question.ask(self.view.row)
                return
        start(self.shell, self._send, name="send")

    def action_vitals(self) -> None:
        from .vitals import VitalsPage

        if not self.refused("vitals") and self.view is not None:
            self.shell.open(VitalsPage(self.view))

    def action_photo(self) -> None:
        from .photo import PhotoPage

        if not self.refused("photo") and self.view is not None:
            self.shell.open(PhotoPage(self.view))

    def action_note(self) -> None:
        self._write("note")

    def action_answer(self) -> None:
        from .answer import AnswerPage

        if self.refused("answer") or self.view is None:
            return
        if (asked := question_at(self.view, self._cursor)) is not None:
            self.shell.open(AnswerPage(self.view, asked))

    def action_correct(self) -> None:
        from .answer import CorrectPage

        if not self.refused("correct") and self.view is not None and self.note is not None:
            self.shell.open(CorrectPage(self.view, self.note))

    def action_treatment(self) -> None:
        self._write("treatment")

    def action_allergy(self) -> None:
        self._write("allergy")

    async def on_key(self, event: events.Key) -> None:
        """Any other key takes the question about sending back."""
        if event.key != "s":
            self._question.take_back()

    def action_patient(self) -> None:
        from .patient import PatientPage

        if not self.refused("patient") and self.view is not None:
            self.shell.open(PatientPage(self.view))

    def _why_no_order(self, action: str) -> str | None:
        order = self.order
        if order is None:
            return "There is no order under the cursor."
        if action in ("confirm", "refuse") and order.status != "open":
            return f"Order {order.number} is {order.status} already."
        if action == "done" and order.status == "done":
            return f"Order {order.number} is done already: {order.status_by}."
        return None

    def _ask_for(self, method: str, order: OrderView) -> None:
        from .acts import OrderPage

        self.shell.open(OrderPage(self.case, method, order))

    def _write(self, what: str) -> None:
        from .acts import WritePage

        if not self.refused(what) and self.view is not None:
            self.shell.open(WritePage(self.view, what))

    def _offer_as_it_is(self, view: CaseView) -> None:
        from .send_as_it_is import SendAsItIsPage

        self.shell.forget_keys()
        self.shell.open(SendAsItIsPage(view))

    def _act(self, method: str, values: dict[str, object], done: str) -> None:
        start(self.shell, partial(self._carry_out, method, values, done), name=method)

    async def _carry_out(self, method: str, values: dict[str, object], done: str) -> None:
        try:
            await self.shell.daemon.act(method, {"case": self.case, **values})
        except NodeError as error:
            self.shell.say_failure(error)
            return
        self.shell.say(done, Tone.GOOD)
        self._load()

    async def _send(self) -> None:
        self.say("Queueing ...")
        try:
            sent = await self.shell.daemon.send(self.case)
        except NodeError as error:
            self.shell.say_failure(error)
            self._load()
            return
        self.shell.say(*sent_words(sent))
        self.shell.reload()
        self._load()

    def _load(self) -> None:
        if not self.is_ready:
            return
        start(self, self._fetch, name="load case", instead_of_earlier=True)

    async def _fetch(self) -> None:
        try:
            view = await self.shell.daemon.case(self.case)
        except NodeError as error:
            self.shell.forget_keys()
            self.arrived.set()
            self.say_failure(error)
            return
        self.view = view
        self._show()
        self.arrived.set()
        await self._mark_seen(view)

    async def _mark_seen(self, view: CaseView) -> None:
        """A person has the replies on screen: the hub is told, once for each."""
        replies = {reply.reply for reply in view.plan.replies} if view.plan is not None else set()
        if replies <= self.shell.seen_replies or self.app.screen is not self:
            return
        try:
            await self.shell.daemon.plan_seen(self.case)
        except NodeError as error:
            self.say_failure(error)
            return
        self.shell.seen_replies |= replies

    def _show(self) -> None:
        if not self.is_ready:
            return
        self.query_one("#head", Block).renew()
        for sheet in self.query(Sheet):
            sheet.renew()
        self.renew_frame()

    @property
    def _is_wide(self) -> bool:
        return self.app.size.width >= WIDE_CELLS

    def _head(self, width: int) -> tuple[Line, ...]:
        return (line(" "),) if self.view is None else head_lines(self.view, width)

    def _main(self, width: int) -> list[Row]:
        if self.view is None:
            return [row(), row(Span("Loading ...", Tone.FAINT))]
        return main_rows(self.view, self.shell.now_s, width, everything=not self._is_wide)

    def _side(self, width: int) -> list[Row]:
        if self.view is None or not self._is_wide:
            return []
        return side_rows(self.view, self.shell.now_s, width)


_NEEDS_CASE: Final = (
    *_ORDER_ACTIONS,
    "accept",
    "send",
    "vitals",
    "photo",
    "note",
    "treatment",
    "allergy",
    "patient",
)
