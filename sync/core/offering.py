"""How a bundle is named to the peer: by an offer before its bytes, or in one frame with all of them.

Law: what goes in one frame has been compared with its seal tag, which the frame does not say.
"""

from __future__ import annotations

from typing import Final

from protocol.frames import Data, Whole
from protocol.frames import Offer as OfferFrame
from protocol.ids import Incarnation, seal_tag_of
from protocol.limits import CHUNK_BYTES_MAX

from .outlet import Outlet
from .planner import Planner
from .transfer import Chunk, Transfer

WHOLES_BYTES_MAX: Final = 2560
"""Over a link that carries frames, what comes first and fits into two datagrams goes in frames with all of a
bundle. What is offered behind them can be overtaken, piece by piece."""
_NOBODY: Final = Incarnation(b"")


class Offering:
    """The names and bytes of one session's bundles."""

    def __init__(self, planner: Planner, outlet: Outlet) -> None:
        self.greeted_as = _NOBODY
        """The incarnation that need not be named."""
        self.greeted_last = 0
        """The highest number that our greeting named."""
        self._planner = planner
        self._outlet = outlet
        self._has_offered = False
        self._wholes_bytes = 0

    @property
    def whole_bytes_max(self) -> int:
        """What may go in one frame, now."""
        if not self._outlet.wire.link_carries_frames:
            return CHUNK_BYTES_MAX
        return 0 if self._has_offered else max(0, WHOLES_BYTES_MAX - self._wholes_bytes)

    def write(self, chunk: Chunk, data: bytes) -> None:
        """Bytes of a bundle, named if it was not yet."""
        if chunk.is_all and self._may_be_whole(chunk, data):
            self._write_whole(chunk.transfer, data)
        else:
            handle = self.offer(chunk.transfer)
            self._outlet.write(Data(handle, chunk.offset, data))

    def offer(self, transfer: Transfer) -> int:
        """The transfer's handle, given by an offer if it has none yet."""
        if transfer.handle is not None:
            return transfer.handle
        self._has_offered = True
        offer = transfer.offer
        handle = self._planner.offered(transfer)
        self._outlet.write(
            OfferFrame(
                handle=handle,
                incarnation=self._named(offer.incarnation),
                sequence=offer.sequence,
                bundle_id=offer.bundle_id,
                seal_tag=offer.seal_tag,
                priority=offer.priority,
                dwell_code=offer.dwell_code,
                recipient_key=offer.recipient_key,
                size_bytes=offer.size_bytes,
            )
        )
        return handle

    def _may_be_whole(self, chunk: Chunk, data: bytes) -> bool:
        """Bytes that do not match their seal tag are offered with it, for the receiver to refuse."""
        fits = len(data) == chunk.size_bytes and len(data) <= self.whole_bytes_max
        return fits and seal_tag_of(data) == chunk.transfer.offer.seal_tag

    def _write_whole(self, transfer: Transfer, data: bytes) -> None:
        """It is answered by its number: its handle is never said."""
        offer = transfer.offer
        self._planner.offered(transfer)
        self._wholes_bytes += len(data)
        self._outlet.write(
            Whole(
                incarnation=self._named(offer.incarnation),
                sequence=offer.sequence,
                bundle_id=offer.bundle_id,
                priority=offer.priority,
                dwell_code=offer.dwell_code,
                recipient_key=offer.recipient_key,
                data=data,
            )
        )

    def _named(self, incarnation: Incarnation) -> Incarnation | None:
        return None if incarnation == self.greeted_as else incarnation
