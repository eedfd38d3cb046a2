"""Other people's ways to carry the same case over the same link; re-exports the public names."""

from .catalogue import PEERS
from .peer import Peer, PeerCase, Place
from .run import Carried, PreparedPeer, prepared

__all__ = ["PEERS", "Carried", "Peer", "PeerCase", "Place", "PreparedPeer", "prepared"]
