"""Opening keys by epoch: due in a month, destroyed by age and count together, by no leap of a clock."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol.keyring import GRACE_S, LATER_EPOCHS_MIN, ROTATE_AFTER_S, KeyRing, OpeningKey

PRIVATE = [X25519PrivateKey.generate() for _ in range(40)]


def ring(*made_s: float) -> KeyRing:
    """Epochs from 0, drawn at these moments."""
    return KeyRing.of(
        *(
            OpeningKey(epoch=epoch, private=PRIVATE[epoch], made_s=moment)
            for epoch, moment in enumerate(made_s)
        )
    )


def test_a_key_serves_a_month() -> None:
    assert not ring(0).is_due(ROTATE_AFTER_S - 1)
    assert ring(0).is_due(ROTATE_AFTER_S)
    assert not ring(0, 50).is_due(ROTATE_AFTER_S)


def test_a_clock_put_back_makes_nothing_due() -> None:
    assert not ring(10 * ROTATE_AFTER_S).is_due(0)


def test_the_newest_is_given_out_and_the_last_resort_at_enrolment() -> None:
    keys = ring(0, 1, 2)
    assert keys.newest.epoch == 2
    assert keys.enrolment.epoch == 0
    assert set(keys.private_keys) == {key.short_id for key in keys.keys}


def test_a_drawn_key_has_a_name_of_its_own() -> None:
    keys = ring(*range(30))
    drawn = keys.drawn(epoch=30, now_s=5.0)
    assert (drawn.epoch, drawn.made_s) == (30, 5.0)
    assert drawn.short_id not in keys.private_keys


def test_age_and_count_together_destroy() -> None:
    months = [epoch * ROTATE_AFTER_S for epoch in range(30)]
    now_s = months[-1]
    expired = ring(*months).expired(now_s)
    assert expired == tuple(
        epoch
        for epoch in range(1, 29)
        if 29 - epoch >= LATER_EPOCHS_MIN and now_s - months[epoch + 1] >= GRACE_S
    )
    assert expired
    assert ring(*months).expired(now_s, grace_s=0) == tuple(range(1, 30 - LATER_EPOCHS_MIN))


def test_one_leap_of_the_clock_destroys_nothing() -> None:
    months = [epoch * ROTATE_AFTER_S for epoch in range(LATER_EPOCHS_MIN)]
    assert ring(*months).expired(months[-1] + 1000 * GRACE_S) == ()


def test_many_epochs_in_a_day_destroy_nothing() -> None:
    assert ring(*range(40)).expired(GRACE_S) == ()


@given(
    made_s=st.lists(st.floats(0, 1e10), min_size=1, max_size=40),
    now_s=st.floats(0, 1e10),
    grace_s=st.floats(0, 1e9),
)
def test_last_resort_and_recent_epochs_always_stay(made_s: list[float], now_s: float, grace_s: float) -> None:
    keys = ring(*made_s)
    expired = keys.expired(now_s, grace_s=grace_s)
    assert 0 not in expired
    assert all(keys.newest.epoch - epoch >= LATER_EPOCHS_MIN for epoch in expired)
