"""The physical bound: when bytes can have crossed at the earliest, whoever carries them and however.

Pure. A line that sends whenever there is service, one flight in each direction, not one byte of framing.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulations.links import LinkProfile, Outage


def sent_at_s(*, size_bytes: int, rate_bit_s: float, outages: Sequence[Outage], began_s: float) -> float:
    """The moment at which the last of `size_bytes` can have left, begun at `began_s`.

    `outages` are in order. With nothing to send it is the first moment with service.
    """
    left_s = size_bytes * 8 / rate_bit_s
    moment_s = began_s
    for outage in outages:
        if outage.end_s <= moment_s:
            continue
        if outage.start_s > moment_s and outage.start_s >= moment_s + left_s:
            break
        left_s -= max(0.0, outage.start_s - moment_s)
        moment_s = outage.end_s
    return moment_s + left_s


def stored_at_s(profile: LinkProfile, size_bytes: int, began_s: float) -> float:
    """When the hub can have the last of what the site began to send at `began_s`."""
    left_s = sent_at_s(
        size_bytes=size_bytes, rate_bit_s=profile.up.rate_bit_s, outages=profile.outages, began_s=began_s
    )
    return left_s + profile.up.delay_ms / 1000


def returned_at_s(profile: LinkProfile, size_bytes: int, began_s: float) -> float:
    """When the site can have the last of what the hub began to send at `began_s`; nothing is a receipt."""
    left_s = sent_at_s(
        size_bytes=size_bytes, rate_bit_s=profile.down.rate_bit_s, outages=profile.outages, began_s=began_s
    )
    return left_s + profile.down.delay_ms / 1000


def exchanged_at_s(
    profile: LinkProfile, *, up_bytes: int, asked_after_bytes: int, reply_bytes: int, began_s: float
) -> float:
    """When the site can know that all of `up_bytes` is stored, and have the reply besides.

    The hub begins to reply once it has the first `asked_after_bytes`; 0 for a reply that waits for any call.
    """
    asked_s = stored_at_s(profile, asked_after_bytes, began_s)
    known_s = returned_at_s(profile, 0, stored_at_s(profile, up_bytes, began_s))
    return max(known_s, returned_at_s(profile, reply_bytes, asked_s))
