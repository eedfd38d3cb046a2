"""What is on its way, up and down: in full words while the vault is open, neutral while it is not."""

from __future__ import annotations

from protocol.ids import CaseId
from sfnode.errors import VaultLocked
from sfnode.spool.spool import Spool
from sfnode.views import TransferView
from sync.stores.errors import StoreClosed

from .labels import Labels
from .outgoing import WAITING_FOR_LINK
from .progress import SpoolCarriage
from .session_watch import SessionWatch
from .vault_access import VaultAccess


class TransferList:
    """Answers `transfers`."""

    def __init__(
        self,
        vault: VaultAccess,
        spool: Spool,
        *,
        carriage: SpoolCarriage,
        labels: Labels,
        watch: SessionWatch,
    ) -> None:
        self._vault = vault
        self._spool = spool
        self._carriage = carriage
        self._labels = labels
        self._watch = watch

    async def views(self, case_id: CaseId | None = None) -> tuple[TransferView, ...]:
        """Of one case, or of all; what is still arriving belongs to no case yet."""
        try:
            up = await self._vault.casebook.transfer_views(case_id)
        except (VaultLocked, StoreClosed):
            up = await self._neutral()
        return up if case_id is not None else (*up, *self._watch.arriving)

    async def _neutral(self) -> tuple[TransferView, ...]:
        """What still waits; the vault knows what was sent before."""
        waiting = await self._spool.transfers.unstored()
        progress = await self._carriage.progress([transfer.bundle_id for transfer in waiting])
        views = []
        for transfer in waiting:
            known = progress.get(transfer.bundle_id)
            label = self._labels.of_ours(transfer.bundle_id, transfer.priority)
            views.append(
                TransferView(
                    what=label.what,
                    case=label.case,
                    direction="up",
                    size_bytes=transfer.size_bytes,
                    done_bytes=known.done_bytes if known else 0,
                    state=known.state if known else WAITING_FOR_LINK,
                    eta_s=known.eta_s if known else None,
                    stored_s=None,
                    usd=known.usd if known else None,
                    arrival=known.arrival if known else None,
                )
            )
        return tuple(views)
