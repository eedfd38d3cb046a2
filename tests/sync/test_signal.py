"""A sign reaches whoever listens exactly once, however early or late."""

from __future__ import annotations

from sync.signal import Signal


def test_each_listener_hears_it_once() -> None:
    signal, heard = Signal(), list[str]()
    signal.listen(lambda: heard.append("one"))
    signal.listen(lambda: heard.append("other"))
    assert not signal.is_set()
    signal.set()
    signal.set()
    assert heard == ["one", "other"]
    assert signal.is_set()


def test_who_comes_late_hears_it_at_once() -> None:
    signal, heard = Signal(), list[str]()
    signal.set()
    signal.listen(lambda: heard.append("late"))
    assert heard == ["late"]


def test_who_has_gone_hears_nothing() -> None:
    signal, heard = Signal(), list[str]()

    def hear() -> None:
        heard.append("gone")

    signal.listen(hear)
    signal.unlisten(hear)
    signal.unlisten(hear)
    signal.set()
    assert not heard


def test_a_listener_may_leave_while_it_is_given() -> None:
    signal, heard = Signal(), list[str]()

    def hear() -> None:
        heard.append("leaving")
        signal.unlisten(hear)

    signal.listen(hear)
    signal.listen(lambda: heard.append("behind it"))
    signal.set()
    assert heard == ["leaving", "behind it"]
