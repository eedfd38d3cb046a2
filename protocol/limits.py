"""Every bound that outside data can meet, in one place, with its reason."""

from __future__ import annotations

from typing import Final

RECORD_BYTES_MAX: Final = 16 * 1024
"""One fact; a longer note is split by the author's tool."""
ENTRY_BYTES_MAX: Final = 64 * 1024
BUNDLE_TEXT_BYTES_MAX: Final = 64 * 1024
"""Plain size of a text bundle: decoded at once, in memory."""
MEDIA_LAYER_BYTES_MAX: Final = 16 * 1024 * 1024
"""Plain size of one media layer."""
BUNDLE_SEALED_BYTES_MAX: Final = MEDIA_LAYER_BYTES_MAX + 64 * 1024
ENTRIES_PER_BUNDLE_MAX: Final = 256
RECORDS_PER_ENTRY_MAX: Final = 512
REFERENCES_PER_RECORD_MAX: Final = 64

COUNTER_MAX: Final = 2**40
"""The largest Lamport counter a record can have."""
COUNTER_LEAP_MAX: Final = 2**28
"""By how much what a site says may be ahead of all that its reader knows: more records than a site writes in
a century. Whoever takes a counter over has to write above it, so one message must not use them up."""
COUNTER_LEAP_OF_HUB_MAX: Final = 2**32
"""The same for a hub, whose every counter follows one that it has taken over from some device of a site: with
less, what one device may say would keep the answer to it from the others."""

MICRO_BYTES_MAX: Final = 1024
"""Plain size of a micro-bundle: each fits one satellite message, and has room to grow into."""

CODEC_DEPTH_MAX: Final = 16
CODEC_ITEMS_MAX: Final = 10_000
"""Items of all containers of one message together: counted before any object is built."""
TEXT_BYTES_MAX: Final = 12 * 1024
"""One text field (a note) in UTF-8."""

SEQUENCE_MAX: Final = 2**28 - 1
"""Bundles one incarnation may number; four varint bytes."""
CHUNK_BYTES_MAX: Final = 64 * 1024
RANGES_MAX: Final = 256
"""Ranges in one set on the wire; a sender with more coarsens by leaving the smallest out."""
FRAME_BYTES_MAX: Final = CHUNK_BYTES_MAX + 1024
LINE_UNIT_BYTES_MAX: Final = FRAME_BYTES_MAX + 64
"""One unit on a noisy line: a datagram with one whole frame, its number and its seal."""
SESSION_CREDIT_BYTES: Final = 64 * 1024
"""Bytes a peer may have in flight before the first receipt."""
WINDOW_SIZE_MAX: Final = 8 * 1024 * 1024
"""Largest zstd window a decoder will allocate."""

CODED_BYTES_MAX: Final = 12 * 1024
"""What phrases may unpack to: decoding is our own loop, and this holds it below ten milliseconds."""
CODED_STEPS_MAX: Final = 2048
"""Copies, blanks and runs of vital signs (by `RUN_STEPS` and their readings) in one coded payload: each takes
longer than a phrase."""
DICTIONARY_SAMPLE_BYTES: Final = 512
"""By how much of a payload its dictionary is chosen."""
