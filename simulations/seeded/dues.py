"""What is owed in a world of custody once its links are whole: what a peer lacks, what was not given back,
and what is still sent although it arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from protocol.ids import BundleId
from simulations.hosts.content import Content
from simulations.hosts.place import Place

Due = tuple[str, str, bytes]
"""Who has it, who lacks it, and which bundle."""


class Dues:
    """Read from the disks of all places."""

    def __init__(
        self,
        places: Mapping[str, Place],
        content: Content,
        *,
        peers_of: Callable[[str], Sequence[str]],
        gives_back: Callable[[], bool],
    ) -> None:
        """`gives_back`: whether a place gets back what it wrote and lost."""
        self.written: set[tuple[str, BundleId]] = set()
        """By whom, and what, whatever became of it."""
        self._places = places
        self._content = content
        self._peers_of = peers_of
        self._gives_back = gives_back

    def missing(self) -> tuple[Due, ...]:
        """What has not come, or not come back."""
        lacking = [
            (author, other, bundle_id)
            for author, place in self._places.items()
            for bundle_id in place.disk.offered()
            for other in self._peers_of(author)
            if not self._places[other].disk.holds(bundle_id)
        ]
        return (*lacking, *self._not_given_back())

    def pending(self) -> tuple[tuple[str, bytes], ...]:
        """What is still in custody as not received."""
        return tuple(
            (name, bundle) for name, place in self._places.items() for bundle in place.disk.pending()
        )

    def _not_given_back(self) -> list[Due]:
        """What a place wrote and lost, that its peer has and did not give back."""
        if not self._gives_back():
            return []
        return [
            (other, author, bundle_id)
            for author, bundle_id in sorted(self.written)
            for other in self._peers_of(author)
            if bundle_id in self._places[other].disk.taken
            and not self._knows(self._places[author], bundle_id)
        ]

    def _knows(self, place: Place, bundle_id: BundleId) -> bool:
        return bundle_id in place.disk.offered() or self._content.returned_id(bundle_id) in place.disk.taken
