"""Who we are in touch with: pairs, the secrets we share with each, and when each was last heard."""

from __future__ import annotations

from typing import Final

from protocol.actors import Party
from protocol.authority import Signer
from protocol.enrolment import PairSecrets, pair_secrets
from protocol.ids import Mailbox
from protocol.small_seal import Direction, SmallKey
from sync.envelope import Envelope
from sync.ports import Clock
from sync.stores.database import Database

from ..config import HubIdentity
from ..keystore import KeyStore
from ..storage.sites import Directory, Pair, all_pairs, note_heard

HEARD_NOTE_EVERY_S: Final = 60.0
""""Last heard" is shown in minutes; noting it at every chunk would only wear the disk."""


class Sites:
    """The directory in memory, the rows behind it in the database."""

    def __init__(self, database: Database, identity: HubIdentity, keys: KeyStore, clock: Clock) -> None:
        self._database = database
        self._identity = identity
        self._keys = keys
        self._clock = clock
        ours = Signer(keys.signing_id, keys.signing_public, identity.mailbox, Party.HUB)
        self.directory = Directory((), ours)
        self._secrets: dict[int, PairSecrets] = {}
        self._heard: dict[int, float] = {}
        self._generations: dict[int, int] = {}

    @property
    def our_mailbox(self) -> Mailbox:
        return self._identity.mailbox

    async def reload(self) -> None:
        """Know who the database knows; at start, and whenever a site has enrolled."""
        pairs = await self._database.read(all_pairs)
        self.directory = Directory(pairs, self.directory.ours)

    def secrets(self, pair: Pair) -> PairSecrets:
        """Derived from our transport key, so that the database alone betrays no link."""
        if pair.number not in self._secrets:
            self._secrets[pair.number] = pair_secrets(
                self._keys.transport, pair.transport_key, pair.pseudonym
            )
        return self._secrets[pair.number]

    def incoming(self, pair: Pair) -> Envelope:
        """How bundles from `pair` are addressed."""
        return self._envelope(pair, self.our_mailbox, Direction.TO_HUB)

    def outgoing(self, pair: Pair) -> Envelope:
        """How bundles to `pair` are addressed."""
        return self._envelope(pair, pair.site, Direction.TO_SITE)

    async def heard(self, pair: Pair) -> None:
        """The site speaks to us at this moment."""
        now_s = self._clock.wall_s()
        if now_s - self._heard.get(pair.number, 0.0) >= HEARD_NOTE_EVERY_S:
            generation = self._generation(pair)
            await self._database.note(
                lambda connection: note_heard(connection, pair.number, now_s, generation=generation)
            )
            self._heard[pair.number] = now_s

    def is_newer(self, pair: Pair, generation: int) -> bool:
        """Whether no session of the pair that is known was opened after this one, nor is it the same: then it
        is no recording, or of one that never came here."""
        return generation > self._generation(pair)

    def opened(self, pair: Pair, generation: int) -> None:
        """The newest session of the pair; that of a restored device may number lower than the one before."""
        self._generations[pair.number] = generation

    def _generation(self, pair: Pair) -> int:
        return self._generations.get(pair.number, pair.heard_generation)

    def last_heard_s(self, site: Mailbox) -> float | None:
        """When any device of the site spoke to us last; None for a place that never enrolled."""
        moments = [
            max(pair.last_heard_s, self._heard.get(pair.number, 0.0))
            for pair in self.directory.pairs
            if pair.site == site
        ]
        return max(moments, default=None)

    def name_of(self, site: Mailbox) -> str:
        return self.directory.site_name(site) or f"site {site.hex()}"

    def _envelope(self, pair: Pair, destination: Mailbox, direction: Direction) -> Envelope:
        secrets = self.secrets(pair)
        return Envelope(
            destination=destination,
            origin=pair.pseudonym,
            pair_secret=secrets.bundle_ids,
            small=SmallKey(secret=secrets.small, direction=direction),
        )
