"""Checkers of custody: what is acknowledged is durable, nothing is lost, and nothing is delivered twice."""

from __future__ import annotations

from .checker import Checker
from .observations import (
    BundleDelivered,
    BundleTaken,
    BytesDropped,
    CustodyPassed,
    Observation,
    PartFailed,
    PictureFiled,
    ReceiptWritten,
    SafetyBelieved,
    WorldHealed,
)


class AcknowledgedIsDurable(Checker):
    """Judged at the receiver, when the receipt is written."""

    law = "What is acknowledged is durable."

    def observe(self, observation: Observation) -> str | None:
        if isinstance(observation, ReceiptWritten) and not observation.is_on_disk:
            return f"{observation.place} acknowledged {observation.bundle.hex()}, which its disk lacks"
        return None


class CustodyIsNeverLost(Checker):
    """Judged at the sender, when it lets go."""

    law = "Somebody always has custody."

    def observe(self, observation: Observation) -> str | None:
        if isinstance(observation, CustodyPassed) and not observation.is_on_disk:
            return (
                f"{observation.place} let go of {observation.bundle.hex()}, which the disk of "
                f"{observation.peer} lacks"
            )
        return None


class DeliveredOnce(Checker):
    """Judged where the application gets a bundle."""

    law = "A bundle is delivered once, and as it was sealed."

    def observe(self, observation: Observation) -> str | None:
        if not isinstance(observation, BundleDelivered | BundleTaken):
            return None
        if observation.was_taken:
            return f"{observation.place} got {observation.bundle.hex()} a second time"
        if isinstance(observation, BundleDelivered) and not observation.is_genuine:
            return f"{observation.place} got other bytes for {observation.bundle.hex()}"
        return None


class EverythingArrives(Checker):
    """Judged once the link has healed."""

    law = "Everything arrives once the link heals."

    def observe(self, observation: Observation) -> str | None:
        if not isinstance(observation, WorldHealed):
            return None
        if observation.missing:
            author, destination, what = observation.missing[0]
            return f"{destination} lacks {len(observation.missing)}, such as {what.hex()} of {author}"
        if observation.pending:
            place, what = observation.pending[0]
            return f"{place} still sends {len(observation.pending)} that have arrived, such as {what.hex()}"
        return None


class SafeIsBackedUp(Checker):
    """Judged at the sender, when it believes what it hears of backups and when it drops bytes for it."""

    law = "What is called safe, or pruned, lies in a verified backup of the peer's."

    def observe(self, observation: Observation) -> str | None:
        match observation:
            case SafetyBelieved(is_in_backup=False):
                return f"{observation.place} believes {observation.bundle.hex()} safe, which no backup has"
            case BytesDropped(is_in_backup=False):
                return f"{observation.place} dropped {observation.bundle.hex()}, which no backup has"
        return None


class FiledPicturesOpen(Checker):
    """Judged at the end, on every disk that keeps its promises."""

    law = "A picture that a place says it has can be opened there."

    def observe(self, observation: Observation) -> str | None:
        if isinstance(observation, PictureFiled) and not observation.opens:
            return (
                f"{observation.place} cannot open {observation.blob.hex()} of case {observation.case.hex()}"
            )
        return None


class NothingUnforeseen(Checker):
    """A part that fails in a way nobody foresaw is started again, and hides a fault."""

    law = "No part of the product meets what it did not foresee."

    def observe(self, observation: Observation) -> str | None:
        if isinstance(observation, PartFailed):
            return f"{observation.place}: {observation.what}"
        return None
