"""A screen to fill in: Enter goes on, Esc leaves and keeps what was typed, only the last row acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget

from protocol.clinical import Patient
from sfnode.errors import NodeError
from tui.lines import Line, Tone
from tui.score import patient_facts
from tui.widgets import Block
from tui.widgets.form import Confirm, FormBody, FormField, FormSection, Need
from tui.work import start

from .page import Page

_KEPT: Final = "Kept while this terminal runs, not saved on disk. The same key opens it again."


class NotYet(Exception):
    """The form cannot be saved as it is; the message says what is wrong with it."""


class FormPage(Page):
    """Answers are kept at every change as a draft of this terminal, until they are saved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before the field sees it: what is typed right behind Tab must land in the next field, however fast.
        Binding("tab", "app.focus_next", "next field", priority=True),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("shift+tab", "app.focus_previous", "field before", priority=True),
        Binding("up", "app.focus_previous", "field before", show=False),
    ]
    save_words: str = "Save"
    opens_on_confirm: bool = False
    """Whether the form opens on its last row: for acts whose details can wait."""

    def __init__(self, draft: str) -> None:
        """`draft` names what is typed here, so that it is found again."""
        super().__init__()
        self.draft = draft
        self._saving = False
        self._done = False

    def fields(self) -> Sequence[FormField]:
        """What is asked."""
        return ()

    def sections(self) -> Sequence[tuple[str, Sequence[FormField]]]:
        """Title and questions of each part; each can be saved from where it ends."""
        return (("", self.fields()),)

    def patient(self) -> Patient:
        """For the score of vital signs asked here."""
        return patient_facts()

    def intro(self, width: int) -> tuple[Line, ...]:
        """What stands above the questions and stays."""
        return ()

    async def save(self, answers: Mapping[str, str]) -> None:
        """Do it. Raises `NotYet` or `NodeError` if it was not done."""

    def saved(self) -> None:
        """It was done; the form is left."""
        self.shell.leave()

    def body(self) -> Iterable[Widget]:
        yield Block(self.intro, id="head")
        yield FormBody(
            [FormSection(title, fields, self.patient(), self.save_words) for title, fields in self.sections()]
        )

    @property
    def is_busy(self) -> bool:
        return self._saving

    @property
    def form(self) -> FormBody:
        return self.query_one(FormBody)

    def on_mount(self) -> None:
        self.form.fill(self.shell.drafts.of(self.draft))
        if self.opens_on_confirm:
            self.form.go_to_confirm()

    def on_form_body_changed(self, message: FormBody.Changed) -> None:
        message.stop()
        if not self._done:
            self.shell.drafts.keep(self.draft, self.draft_answers(message.body.answers))
        self.changed(message.body.answers)

    def on_form_body_entered(self, message: FormBody.Entered) -> None:
        """On to the next field; where a single answer is asked and needed, Enter after it is the deed."""
        message.stop()
        only = self.fields()
        if len(only) == 1 and only[0].need is Need.TO_SAVE and message.key == only[0].key:
            self._begin_save()
        else:
            self.focus_next()

    def draft_answers(self, answers: Mapping[str, str]) -> Mapping[str, str]:
        """What of the answers may be remembered: all, unless one of them is a secret."""
        return answers

    def changed(self, answers: Mapping[str, str]) -> None:
        """An answer is another one now."""

    def on_confirm_pressed(self, message: Confirm.Pressed) -> None:
        message.stop()
        self._begin_save()

    def _begin_save(self) -> None:
        if self._saving:
            return
        self.shell.forget_keys()
        missing = self.form.missing(Need.TO_SAVE)
        if missing:
            self.say(f"Still needed: {', '.join(item.label for item in missing)}.", Tone.WARNING)
            self.form.go_to(missing[0].key)
            return
        self._saving = True
        start(self.shell, partial(self._save, self.form.answers), name=f"save {self.draft}")

    def action_back(self) -> None:
        kept = bool(self.shell.drafts.of(self.draft)) and not self._saving
        self.shell.leave(_KEPT if kept else "", Tone.PLAIN)

    async def _save(self, answers: Mapping[str, str]) -> None:
        """Once: a second Enter while the daemon works must not do it twice."""
        self.say("Saving ...")
        try:
            await self.save(answers)
        except NotYet as error:
            self.shell.say(str(error), Tone.WARNING)
        except NodeError as error:
            self.shell.say_failure(error)
        else:
            self._done = True
            self.shell.drafts.drop(self.draft)
            self._leave_saved()
        finally:
            self._saving = False

    def _leave_saved(self) -> None:
        """Who went on to another page meanwhile stays there, and is told."""
        if self.shell.page is self:
            self.saved()
        else:
            self.shell.say(f"{self.save_words}: done.", Tone.GOOD)
            self.shell.reload()
