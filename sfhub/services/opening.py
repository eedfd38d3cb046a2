"""Opens received bundles and proves who signed what is inside. Nothing here waits: it runs in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.authority import Signer
from protocol.bundle import EntryBundle, LayerBundle
from protocol.entry import Entry, SignedEntry, read_entry, verify_entry
from protocol.errors import ProtocolError
from protocol.ids import CaseId, EntryId
from protocol.micro import MicroBundle
from protocol.sealing import Sealer
from sync.envelope import Envelope
from sync.ports import ReceivedBundle

from ..storage.sites import Directory


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry whose signature is that of a device we know."""

    signed: SignedEntry
    entry: Entry
    signer: Signer


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry that is kept aside."""

    entry_id: EntryId
    reason: str
    case_id: CaseId | None = None
    """The case that it names; None when it cannot be read so far."""


@dataclass(frozen=True, slots=True)
class OpenedEntries:
    proven: tuple[ProvenEntry, ...]
    refused: tuple[RefusedEntry, ...]

    @property
    def case_id(self) -> CaseId | None:
        """A case that something in the bundle names, None when nothing of it can be read."""
        named = [entry.entry.case_id for entry in self.proven] + [entry.case_id for entry in self.refused]
        return next((case_id for case_id in named if case_id is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """What it takes to open bundles of one pair."""

    envelope: Envelope
    keys: Mapping[bytes, X25519PrivateKey]
    sealer: Sealer
    directory: Directory

    def open(
        self, bundle: ReceivedBundle, base: SignedEntry | None = None
    ) -> OpenedEntries | LayerBundle | MicroBundle:
        """What is inside. `UnknownKey`, `SealBroken` or `BundleRefused` says why the whole cannot be had;
        `BaseMissing` names the entry to open it with as `base`."""
        content = self.envelope.open(
            bundle.offer, bundle.sealed, keys=self.keys, sealer=self.sealer, base=base
        )
        if isinstance(content, LayerBundle | MicroBundle):
            return content
        return self._prove_all(content)

    def prove(self, signed: SignedEntry) -> ProvenEntry | RefusedEntry:
        """Whose word an entry is."""
        case_id = None
        try:
            entry = read_entry(signed)
            case_id = entry.case_id
            signer = self.directory.signer(entry.signer)
            if signer is None:
                reason = "it is signed by a device that is not enrolled here"
                return RefusedEntry(signed.entry_id, reason, case_id)
            verify_entry(signed, signer.public_key)
        except ProtocolError as error:
            return RefusedEntry(signed.entry_id, str(error), case_id)
        return ProvenEntry(signed, entry, signer)

    def _prove_all(self, content: EntryBundle) -> OpenedEntries:
        judged = [self.prove(signed) for signed in content.entries]
        return OpenedEntries(
            proven=tuple(entry for entry in judged if isinstance(entry, ProvenEntry)),
            refused=tuple(entry for entry in judged if isinstance(entry, RefusedEntry)),
        )
