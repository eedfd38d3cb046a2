"""Calls by name: what a client may send, and what it reads when something fails."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from protocol.errors import InvalidRecord
from sfnode.api.methods import answer, describe_fault
from sfnode.api.parameters import Parameters
from sfnode.errors import BadRequest, LinkDown, NodeError, VaultLocked
from sfnode.media.errors import PhotoNotAnImage, PhotoNotFound
from sync.stores.errors import StoreClosed, StoreFull


@pytest.mark.parametrize(
    ("take", "values"),
    [
        (lambda params: params.text("case"), {}),
        (lambda params: params.text("case"), {"case": None}),
        (lambda params: params.text("case"), {"case": 7}),
        (lambda params: params.integer("order"), {"order": "1"}),
        (lambda params: params.integer("order"), {"order": True}),
        (lambda params: params.integer("order"), {"order": 1.0}),
        (lambda params: params.flag("seen"), {"seen": 1}),
        (lambda params: params.data("passphrase"), {"passphrase": "text"}),
        (lambda params: params.maps("sets"), {"sets": {}}),
        (lambda params: params.maps("sets"), {"sets": [1]}),
        (lambda params: params.maps("sets"), {}),
        (lambda params: params.end(), {"sean": True}),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(take: Any, values: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match=r"Nothing was changed\.") as caught:
        take(Parameters(values))
    assert any(name in str(caught.value) for name in ("case", "order", "seen", "passphrase", "sets", "sean"))


def test_a_passphrase_under_a_wrong_name_is_not_echoed() -> None:
    with pytest.raises(BadRequest) as caught:
        Parameters({"code": b"correct horse"}).text("code")
    assert "horse" not in str(caught.value)


def test_what_was_taken_is_not_left_over() -> None:
    params = Parameters({"case": "C-1", "seen": True, "note": None})
    assert (params.text("case"), params.flag("seen"), params.optional_text("note")) == ("C-1", True, None)
    params.end()


async def test_an_unknown_call_is_refused() -> None:
    with pytest.raises(BadRequest, match="no call 'steal'"):
        await answer({}, "steal", {})


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (VaultLocked(), "vault-locked", 4),
        (LinkDown("down"), "link-down", 5),
        (StoreClosed("closed"), "vault-locked", 4),
        (StoreFull("full"), "storage-failed", 1),
        (InvalidRecord("age_years is 400"), "value-refused", 4),
        (PhotoNotFound(), "photo-not-found", 3),
        (PhotoNotAnImage(), "photo-not-an-image", 4),
    ],
)
def test_every_fault_has_its_code_and_exit_status(error: Exception, code: str, exit_code: int) -> None:
    fault = describe_fault(error)
    assert (fault.code, fault.exit_code) == (code, exit_code)


def test_a_fault_of_ours_is_logged_without_what_it_may_quote(caplog: pytest.LogCaptureFixture) -> None:
    quoted = "patient P-0917"
    with caplog.at_level(logging.ERROR):
        try:
            raise KeyError(quoted)
        except KeyError as error:
            fault = describe_fault(error)
    assert (fault.code, fault.exit_code) == ("internal", 1)
    assert "P-0917" not in fault.message + caplog.text
    assert "test_a_fault_of_ours_is_logged" in caplog.text


def test_codes_are_unlike_each_other() -> None:
    def kinds(of: type[NodeError]) -> list[type[NodeError]]:
        return [of, *(kind for child in of.__subclasses__() for kind in kinds(child))]

    codes = [kind.code for kind in kinds(NodeError) if kind.__module__ == "sfnode.errors"]
    assert len(codes) == len(set(codes))
