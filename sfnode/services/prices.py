"""Bytes, minutes and money before anything is sent, over each link, and what the estimate rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.header import Priority
from sfnode.config import LinkSettings
from sfnode.spool.spool import Spool
from sfnode.spool.transfers import Transfer
from sfnode.views import BundlePriceView, LinkPriceView, LinkView, PriceView
from sync.scheduler import CONTACTS_MIN, LinkNow, Measured
from sync.scheduler.choice import held_by

from .contacts import Contacts
from .labels import Labels
from .link_words import one_link_state, reason_words
from .vault_access import VaultAccess


@dataclass(frozen=True, slots=True)
class Priced:
    """One bundle to put a price on."""

    what: str
    priority: Priority
    left_bytes: int


class Prices:
    """Answers `price` and `link list`."""

    def __init__(self, vault: VaultAccess, spool: Spool, *, contacts: Contacts, labels: Labels) -> None:
        self._vault = vault
        self._spool = spool
        self._contacts = contacts
        self._labels = labels

    async def view(self, case: str | None) -> PriceView:
        """Of a case, or of all that waits. `NotFound`, `VaultLocked`."""
        if case is None:
            return await self._priced(await self._left(await self._spool.transfers.unstored()), draft=False)
        casebook = self._vault.casebook
        case_id = await casebook.find_case(case)
        draft = await casebook.draft_bundles(case_id)
        if draft:
            bundles = [Priced(row.what, row.priority, row.size_bytes) for row in draft]
            return await self._priced(bundles, draft=True)
        sent = {each.bundle_id for each in await casebook.dispatches() if each.case_id == case_id}
        waiting = [each for each in await self._spool.transfers.unstored() if each.bundle_id in sent]
        return await self._priced(await self._left(waiting), draft=False)

    async def link_views(self) -> tuple[LinkView, ...]:
        """Every link."""
        now = await self._contacts.ledger.links_now(self._contacts.links)
        return tuple(
            self._link_view(link, each) for link, each in zip(self._contacts.links, now, strict=True)
        )

    async def _left(self, transfers: Sequence[Transfer]) -> list[Priced]:
        """What the hub is known to hold of a bundle is not paid for again."""
        pairing = await self._spool.pairings.current()
        custody = None if pairing is None else await self._spool.custody(pairing)
        bundles = []
        for each in transfers:
            state = await custody.sent_state(each.bundle_id) if custody else None
            done_bytes = state.receipted_bytes if state else 0
            what = self._labels.of_ours(each.bundle_id, each.priority).what
            bundles.append(Priced(what, each.priority, max(0, each.size_bytes - done_bytes)))
        return bundles

    async def _priced(self, bundles: Sequence[Priced], *, draft: bool) -> PriceView:
        settings = {link.name: link for link in self._contacts.links}
        links = await self._contacts.ledger.links_now(self._contacts.links)
        size_bytes = sum(bundle.left_bytes for bundle in bundles)
        classes = sorted({bundle.priority for bundle in bundles}) or [Priority.ROUTINE]
        views = [_link_price(settings[link.name], link, classes, size_bytes) for link in links]
        views.sort(key=lambda view: (view.held is not None, view.usd, view.seconds))
        return PriceView(
            draft=draft, size_bytes=size_bytes, links=tuple(views), bundles=_bundle_prices(bundles, links)
        )

    def _link_view(self, link: LinkSettings, now: LinkNow) -> LinkView:
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
        parts.append(f"${link.usd_per_megabyte:g}/MB")
    if link.usd_per_minute:
        step = f" in steps of {link.increment_s:g} s" if link.increment_s else ""
        parts.append(f"${link.usd_per_minute:g}/min{step}")
    if link.usd_per_message:
        parts.append(f"${link.usd_per_message:g}/message")
    return " + ".join(parts) or "free"


def _link_price(
    link: LinkSettings, now: LinkNow, classes: Sequence[Priority], size_bytes: int
) -> LinkPriceView:
    each = now.forecast(size_bytes)
    reasons = [reason for priority in classes if (reason := held_by(now, priority)) is not None]
    held = reason_words(link, reasons[0]) if reasons else None
    left = now.terms.cap.left(now.spent)
    if held is None and classes[-1] is not Priority.EMERGENCY:
        if not left.pays(usd=each.usd, size_bytes=each.size_bytes):
            held = "more than what may still be spent on it today: the rest goes on the next day (UTC)"
    return LinkPriceView(
        link=link.name,
        bytes=each.size_bytes,
        seconds=each.seconds,
        usd=each.usd,
        basis=basis_words(now.measured),
        held=held,
    )


def _bundle_prices(bundles: Sequence[Priced], links: Sequence[LinkNow]) -> tuple[BundlePriceView, ...]:
    """Each over the link that would carry its class, behind what is more urgent there."""
    ahead_bytes: dict[str, int] = {}
    views = []
    for bundle in sorted(bundles, key=lambda each: each.priority):
        link = _carrier(bundle, links)
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
            )
        )
    return tuple(views)


def _carrier(bundle: Priced, links: Sequence[LinkNow]) -> LinkNow | None:
    """By the policy's own taste, as if every link worked: the fastest for an emergency, else the cheapest."""
    able = [link for link in links if held_by(link, bundle.priority) is None]
    if not able:
        return None

    def taste(link: LinkNow) -> tuple[float, float]:
        each = link.forecast(bundle.left_bytes)
        is_emergency = bundle.priority is Priority.EMERGENCY
        return (each.seconds, each.usd) if is_emergency else (each.usd, each.seconds)

    return min(able, key=taste)
