"""How large the first packets on a thin link are: as few of them as the kernel's patience allows.

The kernel sends a packet again that it takes for lost: where a packet takes seconds, that is every large one,
unless we see to it. Pure; the patience is that of Linux for a connection of which it knows the handshake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEADERS_BYTES: Final = 40
"""Of IPv4 and TCP without options, which a segment's size leaves out."""
HANDSHAKE_BYTES: Final = 60
"""A packet of the handshake, with its options."""
ACKNOWLEDGEMENT_BYTES: Final = 52
STREAM_BYTES_MIN: Final = 628
"""The smallest chunk fits in, with its offer and what is put around it; below it headers cost too much."""
STREAM_BYTES_FULL: Final = 1_448
"""Of a full packet."""
FIRST_BYTES_MIN: Final = 128
"""The headers of the request, and the greeting."""
LEAD_S: Final = 0.25
"""A packet is handed over so long before the one in front of it is out."""
PROBE_ROUNDS: Final = 2.0
"""The kernel repeats the last packet when twice the usual round trip has passed since it last heard anything,
or the oldest that was not heard of when its patience ends."""
PATIENCE_ROUNDS: Final = 3.0
"""That patience, in times of the handshake: the usual round trip, and four times half of it."""
WEIGHT: Final = 1 / 8
"""Of the newest round trip in what the kernel takes for the usual one."""
PROBE_ALONE_S: Final = 0.2
"""And so much more while one packet alone is under way."""
SHARE: Final = 0.93
NEXT_SHARE: Final = 0.97
"""Of that time; what is guessed of a link is not exact. Later packets' is measured in part."""
ANSWER_BYTES: Final = 350
"""Of a greeting and a short reply, on which the acknowledgement rides of what they answer."""
REACTION_S: Final = 0.1
"""Of both ends' programs."""


@dataclass(frozen=True, slots=True)
class PacketSizes:
    """How large packets may be, so that no repeat of one leaves before its acknowledgement can be here.

    All of them are bytes of the stream. Each packet is handed over when the one in front is nearly out.
    """

    first_bytes: int
    """In a first packet: its acknowledgement comes alone."""
    answered_bytes: int
    """In the second: the answer to it has to come in time."""
    next_bytes: int
    """In each behind them."""

    @property
    def segment_bytes(self) -> int:
        """For `TCP_MAXSEG`, which counts the options of each packet too."""
        return self.next_bytes + ACKNOWLEDGEMENT_BYTES - HEADERS_BYTES

    @property
    def flight_bytes(self) -> int:
        """In three packets."""
        return self.first_bytes + self.answered_bytes + self.next_bytes


def packet_sizes(rate_bit_s: int, rtt_s: float) -> PacketSizes | None:
    """For a link like this; None where full packets do no harm."""
    rate_bytes_s = rate_bit_s / 8
    acknowledged_s = rtt_s + ACKNOWLEDGEMENT_BYTES / rate_bytes_s
    handshake_s = rtt_s + 2 * HANDSHAKE_BYTES / rate_bytes_s
    alone_s = SHARE * PROBE_ROUNDS * handshake_s - acknowledged_s
    if alone_s * rate_bytes_s >= STREAM_BYTES_FULL + ACKNOWLEDGEMENT_BYTES:
        return None
    # The end of the handshake leaves in front of it where the session has nothing to say in the first 0.2 s.
    first_s = alone_s - ACKNOWLEDGEMENT_BYTES / rate_bytes_s
    heard_s = alone_s + acknowledged_s
    usual_s = handshake_s + WEIGHT * (heard_s - handshake_s)
    answer_s = (ANSWER_BYTES + ACKNOWLEDGEMENT_BYTES) / rate_bytes_s + rtt_s + REACTION_S
    patience_s = min(heard_s + PROBE_ROUNDS * usual_s, first_s - LEAD_S + PATIENCE_ROUNDS * handshake_s)
    answered_s = SHARE * patience_s - alone_s - answer_s
    answered_bytes = _stream_bytes(answered_s * rate_bytes_s, STREAM_BYTES_MIN)
    second_heard_s = LEAD_S + (answered_bytes + ACKNOWLEDGEMENT_BYTES) / rate_bytes_s + acknowledged_s
    usual_s += WEIGHT * (second_heard_s - usual_s)
    next_s = NEXT_SHARE * (PROBE_ROUNDS * usual_s + PROBE_ALONE_S) - 2 * REACTION_S
    return PacketSizes(
        first_bytes=_stream_bytes(first_s * rate_bytes_s, FIRST_BYTES_MIN),
        answered_bytes=answered_bytes,
        next_bytes=_stream_bytes(next_s * rate_bytes_s, STREAM_BYTES_MIN),
    )


def _stream_bytes(packet_bytes: float, least_bytes: int) -> int:
    return min(max(int(packet_bytes) - ACKNOWLEDGEMENT_BYTES, least_bytes), STREAM_BYTES_FULL)
