"""The peers that the bench knows."""

from __future__ import annotations

from typing import Final

from .https_curl import HttpsPost
from .mail import Mail
from .peer import Peer
from .rsync_ssh import RsyncOverSsh

PEERS: Final[tuple[Peer, ...]] = (HttpsPost(), RsyncOverSsh(), Mail())
