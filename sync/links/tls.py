"""TLS of the HTTP link: whom a dialer trusts, what a listener shows, and failures in words.

Sessions are encrypted and authenticated without it; TLS hides who talks to whom, and passes firewalls.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..pins import PublicKeyPin, pin_of, pin_text

Trust = ssl.SSLContext | aiohttp.Fingerprint | bool
"""What aiohttp takes; True is the system's list of authorities."""

_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_VERIFY_DATES: Final = frozenset((_EXPIRED, _NOT_YET_VALID))
"""OpenSSL's numbers of the two verdicts that a wrong clock of ours can cause."""


class UnusableCertificate(Exception):
    """A listener cannot serve this certificate and key; the message names files, never their content."""


class PinnedKey(aiohttp.Fingerprint):
    """Trusts whoever holds one key: names, dates and authorities of the certificate around it say nothing.

    The handshake itself proves possession of the key. Dates are left out on purpose: a clock that a flat
    battery has reset must not keep an emergency case aboard, and what dates guard against, a key that was
    given up, is answered by writing down another pin.
    """

    def __init__(self, pin: PublicKeyPin) -> None:
        super().__init__(pin)

    def check(self, transport: asyncio.Transport) -> None:
        """Called by aiohttp after the handshake and before the first byte of a request."""
        tls = transport.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls is not None else None
        held = pin_of_certificate(shown) if shown else PublicKeyPin(b"")
        if held != self.fingerprint:
            host, port, *_ = transport.get_extra_info("peername")
            raise aiohttp.ServerFingerprintMismatch(self.fingerprint, held, host, port)


def pin_of_certificate(der: bytes) -> PublicKeyPin:
    """The pin of the key that a certificate is about."""
    key = x509.load_der_x509_certificate(der).public_key()
    return pin_of(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def listening_context(certificate: Path, key: Path) -> tuple[ssl.SSLContext, PublicKeyPin]:
    """What a listener serves with, and the pin that its callers may write down.

    Raises `UnusableCertificate`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An encrypted key would ask at a terminal that a service does not have; an empty password refuses.
        context.load_cert_chain(certificate, key, password=b"")
        shown = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None)
        raise UnusableCertificate(
            f"The hub cannot serve TLS with {certificate} and {key} ({reason or 'not in PEM form'}). Nothing "
            "was started. Give a certificate and the unencrypted key that belongs to it, both PEM files that "
            "this account may read."
        ) from error
    return context, pin_of_certificate(shown.public_bytes(Encoding.DER))


def trouble_of(error: Exception) -> str | None:
    """A failure of TLS as a sentence for the person who set the link up; None if it was something else."""
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        got = pin_text(PublicKeyPin(error.got)) if error.got else "none"
        return (
            f"The hub showed another key than the one pinned here ({got}), so nothing was said to it. If the "
            "hub's operator confirms this key, pin it; if not, somebody is in between."
        )
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _distrust(cause)
    if isinstance(cause, ssl.SSLError):
        return (
            "No TLS could be agreed with the hub. If it serves plain HTTP, its address begins with http:// "
            "instead of https://."
        )
    return None


def _distrust(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _VERIFY_DATES:
        return (
            f"The hub's certificate is not valid at this machine's time ({error.verify_message}). Check this "
            "clock first; if it is right, the hub needs a new certificate. A pinned key does without dates."
        )
    return (
        f"The hub's certificate is not trusted here ({error.verify_message}). Check the address; a hub "
        "that makes its own certificate is trusted by pinning its key."
    )
