"""How long datagrams are: at most, on thin links, and all that leave before anything is known together."""

from __future__ import annotations

from typing import Final

HEADERS_BYTES: Final = 28
"""IPv4 and UDP, which the link carries and bills too."""
UNIT_BYTES: Final = 1400
"""The longest datagram, with its headers: it passes every tunnel and modem in one piece."""
DATAGRAM_BYTES_MAX: Final = UNIT_BYTES - HEADERS_BYTES
UNIT_BYTES_MIN: Final = 412
"""Bulk in shorter ones would be headers and seals by an eighth and more."""
FIRST_FLIGHT_BYTES: Final = 4096
"""A consult's text leaves at once, in as few datagrams as hold it; what follows is paced."""
