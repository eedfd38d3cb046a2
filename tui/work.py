"""Starts work beside the screens with a named owner: a page for what it shows, the shell for what is done.

Law: what a medic told the daemon belongs to the shell, so that leaving the page does not call it off.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def start(
    owner: DOMNode,
    work: Callable[[], Coroutine[Any, Any, None]],
    *,
    name: str,
    instead_of_earlier: bool = False,
) -> None:
    """Run `work`; it is cancelled when its owner goes, or by the next of its name if that comes
    `instead_of_earlier`.

    It is handed over uncalled: work cancelled before its turn would leave a coroutine that nobody awaits.
    """
    _: Worker[None] = owner.run_worker(work, name=name, group=name, exclusive=instead_of_earlier)
