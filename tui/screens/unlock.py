"""The lock screen: site, clock, how much waits, and no name of anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui.answers import Happening
from tui.lines import EMPTY, Line, Span, Tone, line, wrap_after
from tui.widgets import Block
from tui.widgets.form import FormField, Kind, Need

from .form import FormPage


class UnlockPage(FormPage):
    """Asks for the passphrase; what it shows is true while locked: sending, receiving and alarms go on."""

    TITLE_WORDS = "locked"
    save_words = "Unlock"

    def __init__(self) -> None:
        super().__init__("unlock")

    def fields(self) -> Sequence[FormField]:
        return (FormField(key="passphrase", label="Passphrase", kind=Kind.SECRET, need=Need.TO_SAVE),)

    def intro(self, width: int) -> tuple[Line, ...]:
        status = self.site.status
        if status is None:
            return (EMPTY,)
        replies = _count(status.unread_replies, "unread reply", "unread replies")
        alarms = _count(status.alarms, "alarm", "alarms")
        return (
            EMPTY,
            line("   ", Span(status.site, Tone.STRONG)),
            EMPTY,
            line("   ", Span("LOCKED", Tone.WARNING), f"   {replies}, {alarms}"),
            *wrap_after(
                (Span("   "),),
                "Sending, receiving and alarms go on while it is locked.",
                width,
                tone=Tone.FAINT,
            ),
            EMPTY,
        )

    def draft_answers(self, answers: Mapping[str, str]) -> Mapping[str, str]:
        return {}

    def refreshed(self, event: Happening | None) -> None:
        self.query_one("#head", Block).renew()

    async def save(self, answers: Mapping[str, str]) -> None:
        self.say("Unlocking: this takes a moment on purpose ...")
        self.form.fill({"passphrase": ""})
        await self.shell.daemon.unlock(answers["passphrase"])

    def saved(self) -> None:
        self.say("")
        self.shell.reload()

    def action_back(self) -> None:
        """First out of the field, so that `a` reaches an alarm; then out of the terminal."""
        if self.typing:
            self.form.go_to_confirm()
        else:
            self.app.exit()


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else f"no {one}"
