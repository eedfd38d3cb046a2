"""Opens received bundles and proves who signed what is inside. Nothing here waits: it runs in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.authority import Signer
from protocol.bundle import EntryBundle, LayerBundle
from protocol.entry import Entry, SignedEntry, read_entry, verify_entry
from protocol.errors import ProtocolError
from protocol.ids import EntryId
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


@dataclass(frozen=True, slots=True)
class OpenedEntries:
    proven: tuple[ProvenEntry, ...]
    refused: tuple[RefusedEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """What it takes to open bundles of one pair."""

    envelope: Envelope
    keys: Mapping[bytes, X25519PrivateKey]
    sealer: Sealer
    directory: Directory

    def open(self, bundle: ReceivedBundle) -> OpenedEntries | LayerBundle:
        """What is inside. `UnknownKey`, `SealBroken` or `BundleRefused` says why the whole cannot be had."""
        content = self.envelope.open(bundle.offer, bundle.sealed, keys=self.keys, sealer=self.sealer)
        if isinstance(content, LayerBundle):
            return content
        return self._prove_all(content)

    def prove(self, signed: SignedEntry) -> ProvenEntry | RefusedEntry:
        """Whose word an entry is."""
        try:
            entry = read_entry(signed)
            signer = self.directory.signer(entry.signer)
            if signer is None:
                return RefusedEntry(signed.entry_id, "it is signed by a device that is not enrolled here")
            verify_entry(signed, signer.public_key)
        except ProtocolError as error:
            return RefusedEntry(signed.entry_id, str(error))
        return ProvenEntry(signed, entry, signer)

    def _prove_all(self, content: EntryBundle) -> OpenedEntries:
        judged = [self.prove(signed) for signed in content.entries]
        return OpenedEntries(
            proven=tuple(entry for entry in judged if isinstance(entry, ProvenEntry)),
            refused=tuple(entry for entry in judged if isinstance(entry, RefusedEntry)),
        )
