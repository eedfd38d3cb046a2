"""Bytes, minutes, money and arrival before anything is sent, over each link, and on what that rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.header import Priority
from protocol.ids import Pseudonym
from sfnode.config import LinkSettings
from sfnode.domain.moments import Moment
from sfnode.spool.pairing import Pairing
from sfnode.spool.spool import Spool
from sfnode.spool.transfers import Transfer
from sfnode.vault.outbox import OutboxRow
from sfnode.views import ArrivalView, BundlePriceView, LinkPriceView, LinkView, PriceView
from sync.ports import Rank
from sync.scheduler import CONTACTS_MIN, LinkNow, Measured, Tick
from sync.scheduler.choice import held_by

from .arrival_words import arrival_view, chance_words
from .arrivals import ArrivalForecasts, Foreseen, InLine
from .carriers import LinkOutlook, carrier, outlooks
from .clock import SiteClock, moment_of, tick_of
from .contacts import Contacts
from .hub_links import hub_of_link
from .labels import Labels
from .link_windows import link_windows
from .link_words import one_link_state, over_cap_words, partly_held_words
from .vault_access import VaultAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """One bundle in the order in which they go."""

    what: str
    priority: Priority
    rank: Rank
    left_bytes: int
    pair: Pseudonym | None
    """Whose hub it is for; None of a draft for a hub that is not ours any more."""
    is_asked: bool
    """Whether it is to be priced, or only goes before others."""


class Prices:
    """Answers `price` and `link list`."""

    def __init__(
        self,
        vault: VaultAccess,
        spool: Spool,
        *,
        contacts: Contacts,
        labels: Labels,
        arrivals: ArrivalForecasts,
        clock: SiteClock,
    ) -> None:
        self._vault = vault
        self._spool = spool
        self._contacts = contacts
        self._labels = labels
        self._arrivals = arrivals
        self._clock = clock

    async def view(self, case: str | None) -> PriceView:
        """Of a case, or of all that waits. `NotFound`, `VaultLocked`."""
        if case is None:
            waiting = await self._spool.transfers.unstored()
            return await self._priced(
                await self._line(waiting, asked=waiting), self._contacts.links, draft=False
            )
        casebook = self._vault.casebook
        case_id = await casebook.find_case(case)
        pairing = await self._spool.pairings.at(await casebook.hub_of(case_id))
        waiting = () if pairing is None else await self._spool.transfers.unstored(pairing.pseudonym)
        links = () if pairing is None else self._contacts.links_to(pairing)
        draft = await casebook.draft_bundles(case_id)
        if draft:
            pair = None if pairing is None else pairing.pseudonym
            return await self._priced(await self._line(waiting, draft=draft, pair=pair), links, draft=True)
        sent = {each.bundle_id for each in await casebook.dispatches() if each.case_id == case_id}
        asked = [each for each in waiting if each.bundle_id in sent]
        return await self._priced(await self._line(waiting, asked=asked), links, draft=False)

    async def link_views(self) -> tuple[LinkView, ...]:
        """Every link."""
        now = await self._contacts.ledger.links_now(self._contacts.links)
        pairings = await self._spool.pairings.all()
        return tuple(
            self._link_view(link, each, hub_of_link(link, pairings))
            for link, each in zip(self._contacts.links, now, strict=True)
        )

    async def _line(
        self,
        waiting: Sequence[Transfer],
        *,
        asked: Sequence[Transfer] = (),
        draft: Sequence[OutboxRow] = (),
        pair: Pseudonym | None = None,
    ) -> list[Priced]:
        """All that goes, in its order; `pair` of the draft's hub. What a hub is known to hold of a bundle is
        not paid for again."""
        wanted = {each.bundle_id for each in asked}
        line = []
        for each in waiting:
            custody = await self._spool.custody_of(each.pair)
            state = await custody.sent_state(each.bundle_id)
            done_bytes = state.receipted_bytes if state else 0
            line.append(
                Priced(
                    what=self._labels.of_ours(each.bundle_id, each.priority).what,
                    priority=each.priority,
                    rank=each.rank,
                    left_bytes=max(0, each.size_bytes - done_bytes),
                    pair=each.pair,
                    is_asked=each.bundle_id in wanted,
                )
            )
        line += [
            Priced(
                what=row.what,
                priority=row.priority,
                rank=row.rank,
                left_bytes=row.size_bytes,
                pair=pair,
                is_asked=True,
            )
            for row in draft
        ]
        return sorted(line, key=lambda each: (each.priority, each.rank.value))

    async def _priced(
        self, line: Sequence[Priced], over: Sequence[LinkSettings], *, draft: bool
    ) -> PriceView:
        names = {link.name for link in over}
        links = [each for each in await outlooks(self._contacts) if each.name in names]
        now = moment_of(self._clock)
        foreseen = await self._arrivals.foresee(
            [InLine(each.priority, each.left_bytes, each.pair) for each in line]
        )
        asked = [
            (bundle, _arrival(each, now))
            for bundle, each in zip(line, foreseen, strict=True)
            if bundle.is_asked
        ]
        views = await self._link_prices(links, [bundle for bundle, _ in asked], now)
        return PriceView(
            draft=draft,
            size_bytes=sum(bundle.left_bytes for bundle, _ in asked),
            links=tuple(sorted(views, key=lambda view: (view.held is not None, view.usd, view.seconds))),
            bundles=_bundle_prices(asked, links),
        )

    async def _link_prices(
        self, links: Sequence[LinkOutlook], asked: Sequence[Priced], now: Moment
    ) -> list[LinkPriceView]:
        """Each with what is for the hub that it leads to; none of a hub for which there is nothing."""
        settings = {link.name: link for link in self._contacts.links}
        seen = await link_windows(self._spool.diary, self._contacts.links, now.wall_s)
        tick, views = tick_of(self._clock), []
        for link in links:
            own = [bundle for bundle in asked if bundle.pair == link.pair]
            if asked and not own:
                continue
            size_bytes = sum(bundle.left_bytes for bundle in own)
            classes = sorted({bundle.priority for bundle in own}) or [Priority.ROUTINE]
            each = link.forecast(size_bytes)
            is_told = tick.is_set and not link.is_down
            chance = seen[link.name].chance(each.seconds, now.wall_s) if is_told else None
            views.append(
                LinkPriceView(
                    link=link.name,
                    bytes=each.size_bytes,
                    seconds=each.seconds,
                    usd=each.usd,
                    basis=basis_words(link.now.measured),
                    held=_held_words(settings[link.name], link.now, classes, size_bytes, tick),
                    window=chance_words(chance),
                )
            )
        return views

    def _link_view(self, link: LinkSettings, now: LinkNow, hub: Pairing | None) -> LinkView:
        state = one_link_state(link, self._contacts.ledger)
        return LinkView(
            name=link.name,
            mode=link.mode.value,
            state="not tried yet" if state is None else state.words,
            up=state is not None and state.up,
            floor=link.floor,
            price=price_words(link),
            spent_today_usd=now.spent.usd,
            today_bytes=now.spent.size_bytes,
            cap_usd=link.cap_usd_per_day,
            cap_bytes=link.cap_bytes_per_day,
            rate_bit_s=round(now.measured.rate_bytes_s * 8),
            rtt_s=now.measured.rtt_s,
            measured_contacts=now.measured.contacts,
            hub="" if hub is None else hub.name,
        )


def basis_words(measured: Measured) -> str:
    """What an estimate of minutes rests on."""
    rate = f"{measured.rate_bytes_s * 8 / 1000:.3g} kbit/s"
    if measured.is_forecast:
        return f"{rate}, measured in {measured.contacts} contacts"
    if not measured.contacts:
        return f"no forecast yet: {rate} as declared"
    return f"no forecast yet: {rate}, measured in {measured.contacts} of {CONTACTS_MIN} contacts"


def price_words(link: LinkSettings) -> str:
    """The tariff."""
    parts = []
    if link.usd_per_megabyte:
        least = f", {link.session_bytes_min} B at least" if link.session_bytes_min else ""
        parts.append(f"${link.usd_per_megabyte:g}/MB{least}")
    if link.usd_per_minute:
        step = f" in steps of {link.increment_s:g} s" if link.increment_s else ""
        least = f", {link.session_s_min:g} s at least" if link.session_s_min else ""
        parts.append(f"${link.usd_per_minute:g}/min{step}{least}")
    if link.usd_per_message:
        parts.append(f"${link.usd_per_message:g}/message")
    if link.usd_per_session:
        parts.append(f"${link.usd_per_session:g}/contact")
    return " + ".join(parts) or "free"


def _arrival(foreseen: Foreseen | None, now: Moment) -> ArrivalView | None:
    if foreseen is None:
        return None
    down = foreseen.link if foreseen.is_down else None
    return arrival_view(
        foreseen.interval, seen=foreseen.contacts, down=down, now=now, outages=foreseen.outages
    )


def _held_words(
    link: LinkSettings, now: LinkNow, classes: Sequence[Priority], size_bytes: int, tick: Tick
) -> str | None:
    held = partly_held_words(link, now, {priority: held_by(now, priority) for priority in classes}, tick)
    each = now.forecast(size_bytes)
    if held is not None or classes[-1] is Priority.EMERGENCY:
        return held
    left = now.terms.cap.left(now.spent)
    if left.pays(usd=each.usd, size_bytes=each.size_bytes):
        return None
    return over_cap_words(now, classes, tick)


def _bundle_prices(
    bundles: Sequence[tuple[Priced, ArrivalView | None]], links: Sequence[LinkOutlook]
) -> tuple[BundlePriceView, ...]:
    """Each over the link that would carry its class, behind what is more urgent there."""
    ahead_bytes: dict[str, int] = {}
    views = []
    for bundle, arrival in bundles:
        link = carrier(bundle.priority, bundle.left_bytes, links, bundle.pair)
        before_bytes = ahead_bytes.get(link.name, 0) if link else 0
        whole = link.forecast(before_bytes + bundle.left_bytes) if link else None
        if link is not None:
            ahead_bytes[link.name] = before_bytes + bundle.left_bytes
        views.append(
            BundlePriceView(
                what=bundle.what,
                priority=bundle.priority.name.lower(),
                size_bytes=bundle.left_bytes,
                link=link.name if link else None,
                seconds=whole.seconds if whole else None,
                usd=whole.usd - link.forecast(before_bytes).usd if link and whole else None,
                arrival=arrival,
            )
        )
    return tuple(views)
