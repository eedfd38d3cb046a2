"""The key of one case, under which a store seals all it keeps of that case: with the key goes the case.

Law: a key opens only what was sealed for the same case, slot and row, so that no two rows can be exchanged.
Randomness is an argument: nothing here draws any.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import CaseSealBroken
from .ids import CASE_ID_BYTES, CaseId

CASE_KEY_BYTES: Final = 32
CASE_NONCE_BYTES: Final = 12
"""Random: one key seals some thousands of rows, far from where random nonces of this length could meet."""
CASE_TAG_BYTES: Final = 16
CASE_SEAL_BYTES: Final = CASE_NONCE_BYTES + CASE_TAG_BYTES
"""What a row grows by."""
NO_CASE: Final = CaseId(bytes(CASE_ID_BYTES))
"""Stands for the case of what cannot be read so far as to tell its case. No case is ever called so."""

_MASTER_INFO: Final = b"sf-case-keys-1"
_KEY_DOMAIN: Final = b"sf-case-key-1"
_ROW_DOMAIN: Final = b"sf-case-row-1"
_JOURNAL_DOMAIN: Final = b"sf-erasure-1"


class Slot(IntEnum):
    """What kind of row something is sealed for. Numbers are never used again for something else."""

    ENTRY = 1
    """A signed entry that stands; its row is the entry's id."""
    WAITING = 2
    """An entry that may not stand, or not yet; its row is the entry's id."""
    MEDIA = 3
    """Bytes of a picture; its row is the picture's hash, and the number of the piece."""
    WORKLIST = 4
    """What a list shows of the case, computed from its entries; there is one."""
    PROVISIONAL = 5
    """What was said of the case ahead of its signed entries; its row is the id of the micro-bundle."""


class CaseKey:
    """Seals and opens the rows of one case."""

    __slots__ = ("_cipher", "case_id")

    def __init__(self, case_id: CaseId, raw: bytes) -> None:
        """`raw` has `CASE_KEY_BYTES` random bytes."""
        self.case_id = case_id
        self._cipher = ChaCha20Poly1305(raw)

    def seal(self, plain: bytes, *, slot: Slot, row: bytes, nonce: bytes) -> bytes:
        """`plain` for one row; `nonce` has `CASE_NONCE_BYTES` random bytes and is used once."""
        return nonce + self._cipher.encrypt(nonce, plain, self._bound(slot, row))

    def open(self, sealed: bytes, *, slot: Slot, row: bytes) -> bytes:
        """What was sealed for this row. `CaseSealBroken` when it was not, or not all of it is here."""
        return _decrypt(self._cipher, sealed, self._bound(slot, row))

    def _bound(self, slot: Slot, row: bytes) -> bytes:
        """Every part before the last has a fixed length, so that no two rows share an encoding."""
        return _ROW_DOMAIN + bytes((slot,)) + self.case_id + row


class MasterKey:
    """Wraps the keys of all cases of one store; kept apart from what they seal."""

    __slots__ = ("_cipher",)

    def __init__(self, secret: bytes) -> None:
        """Of a secret of full entropy that may serve other ends too, such as the key of a database."""
        derived = HKDF(algorithm=SHA256(), length=CASE_KEY_BYTES, salt=None, info=_MASTER_INFO).derive(secret)
        self._cipher = ChaCha20Poly1305(derived)

    def wrap(self, case_id: CaseId, raw: bytes, *, nonce: bytes) -> bytes:
        """The key of a case as it may lie beside what it seals."""
        return nonce + self._cipher.encrypt(nonce, raw, _KEY_DOMAIN + case_id)

    def unwrap(self, case_id: CaseId, wrapped: bytes) -> CaseKey:
        """`CaseSealBroken` when it was wrapped for another case or store, or altered."""
        return CaseKey(case_id, _decrypt(self._cipher, wrapped, _KEY_DOMAIN + case_id))

    def seal_note(self, plain: bytes, *, nonce: bytes) -> bytes:
        """One line of the journal of erasures, which lies outside of every database."""
        return nonce + self._cipher.encrypt(nonce, plain, _JOURNAL_DOMAIN)

    def open_note(self, sealed: bytes) -> bytes:
        """`CaseSealBroken` when it is not a line of this store's."""
        return _decrypt(self._cipher, sealed, _JOURNAL_DOMAIN)


def _decrypt(cipher: ChaCha20Poly1305, sealed: bytes, bound: bytes) -> bytes:
    if len(sealed) < CASE_SEAL_BYTES:
        raise CaseSealBroken("stored bytes of a case are cut short")
    try:
        return cipher.decrypt(sealed[:CASE_NONCE_BYTES], sealed[CASE_NONCE_BYTES:], bound)
    except InvalidTag as error:
        raise CaseSealBroken("stored bytes of a case are not those that were written there") from error
