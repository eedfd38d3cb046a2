"""Asks before a case is sent, because bytes cost money: says its price; the same key again is the answer."""

from __future__ import annotations

from functools import partial

from sfnode.errors import NodeError
from sfnode.views import CaseRow
from tui.lines import Tone
from tui.sheets.transfers import price_words
from tui.work import start

from .page import READING_S, Page


class SendQuestion:
    """On one page. Any other key takes it back."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._asked_s: float | None = None
        """Since when it stands."""

    def is_answered(self) -> bool:
        """Whether it stood long enough for the next key to be its answer; then it is over."""
        if self._asked_s is None or self._page.shell.steady_s - self._asked_s < READING_S:
            return False
        self._asked_s = None
        return True

    def ask(self, case: CaseRow) -> None:
        """Keys behind this one were typed without seeing the question."""
        shell = self._page.shell
        shell.forget_keys()
        if self._asked_s is not None:
            return
        self._asked_s = shell.steady_s
        words = f"Send {case.short} to {case.hub or 'the hub'}? s again sends it; any other key does not."
        self._page.say(words, Tone.STRONG)
        start(shell, partial(self._say_price, case.case, words), name="price", instead_of_earlier=True)

    def take_back(self) -> None:
        if self._asked_s is not None:
            self._asked_s = None
            self._page.say("Not sent.")

    async def _say_price(self, case: str, words: str) -> None:
        """What it would take, unless the medic has gone on meanwhile."""
        try:
            price = await self._page.shell.daemon.price(case)
        except NodeError:
            return  # The question stands without it.
        if self._asked_s is None:
            return
        if price.links:
            self._page.say(f"{words} It takes {price_words(price)}", Tone.STRONG)
        else:
            self._page.say(f"{words} {price_words(price)}", Tone.WARNING)
