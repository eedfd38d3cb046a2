"""`sfsim link show`: what was read of one profile, recording or file of one's own, in words and figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import click

from simulations.links import (
    DirectionProfile,
    LinkDescriptionError,
    LinkProfile,
    Mailbox,
    RateTrace,
    ServicePlan,
    load_profile,
    profile_document,
)
from simulations.report.plots import span_words

from .figures import rate_words, size_words

LOOKED_AT_S: Final = 30 * 86_400.0
SPANS_MAX: Final = 20_000
EXAMPLES: Final = (("headline", 180), ("text", 1_000), ("photograph", 20_000))
"""What crosses of a case, sealed, as heavy as in the shipped worlds."""


@dataclass(frozen=True, slots=True)
class Service:
    """How a link came and went in the time that was looked at."""

    looked_at_s: float
    lit_s: float
    gaps: int
    darkest_s: float


@click.command("show")
@click.argument("profile")
@click.option("--seed", type=int, default=1, show_default=True, help="Draws the outages that are random.")
@click.option("--json", "as_json", is_flag=True, help="Print the profile as JSON.")
def show_command(*, profile: str, seed: int, as_json: bool) -> None:
    """Read PROFILE (a name, or a .toml, .csv or .mahi file) and say what the simulator takes from it.

    Ends with status 1, and says line and reason, if it is refused.
    """
    try:
        chosen = load_profile(profile)
        lines = list(_lines(chosen, seed))
    except LinkDescriptionError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(profile_document(chosen)))
        return
    for line in lines:
        click.echo(line)


def service_of(plan: ServicePlan, until_s: float) -> Service:
    """Spans of service from the opening of the link on, at most `SPANS_MAX` of them."""
    at_s = lit_s = darkest_s = 0.0
    gaps = 0
    for _ in range(SPANS_MAX):
        up_s = min(plan.next_up_s(at_s), until_s)
        if up_s > at_s:
            gaps, darkest_s = gaps + 1, max(darkest_s, up_s - at_s)
        at_s = min(plan.next_down_s(up_s), until_s) if up_s < until_s else until_s
        lit_s += at_s - up_s
        if at_s >= until_s:
            break
    return Service(at_s, lit_s, gaps, darkest_s)


def _lines(profile: LinkProfile, seed: int) -> Iterator[str]:
    yield f"{profile.name}: {profile.title}"
    yield f"source: {' '.join(profile.source.split())}"
    if profile.mailbox is not None:
        yield _messages(profile.mailbox)
    else:
        yield f"up:   {_way(profile.up)}"
        yield f"down: {_way(profile.down)}"
        yield f"packets of {profile.mtu_bytes} bytes, round trip {profile.rtt_ms:g} ms{_turns(profile)}"
    for name, size_bytes in EXAMPLES:
        yield f"{name} of {size_words(size_bytes)} up, at best: {_at_best(profile, size_bytes)}"
    is_dark = any(way.trace is not None and way.trace.dark_share for way in (profile.up, profile.down))
    fades = "; recorded rates of nothing are not counted" if is_dark else ""
    yield f"{_service(service_of(ServicePlan.of(profile, seed), LOOKED_AT_S))}{fades}"


def _messages(box: Mailbox) -> str:
    under_way = f"{span_words(box.delay_s_min)} to {span_words(box.delay_s_max)} under way"
    first_s = box.first_departure_s
    timetable = "" if first_s is None else f" by a timetable, the first after {span_words(first_s)}"
    return (
        f"whole messages: {size_words(box.up_bytes_max)} up, {size_words(box.down_bytes_max)} down, one each "
        f"{span_words(box.interval_s)}{timetable}, {under_way}, loss {box.loss:.2%}, "
        f"{box.copies_max} copies at most"
    )


def _way(way: DirectionProfile) -> str:
    queue = f"queue {size_words(way.queue_bytes)} ({span_words(way.serialisation_s(way.queue_bytes))})"
    figures = f"{way.delay_ms:g} ms ± {way.jitter_ms:g}, loss {way.loss_mean:.2%}, {queue}"
    if way.trace is None:
        return f"{rate_words(way.rate_bit_s)}, {figures}"
    recorded = f"recorded over {span_words(way.trace.period_s)}, {_span_of_rates(way.trace)}"
    return f"{rate_words(way.rate_bit_s)} on average, {recorded}; {figures}"


def _span_of_rates(trace: RateTrace) -> str:
    rates = [step.rate_bit_s for step in trace.steps]
    low = f"nothing ({trace.dark_share:.1%} of it)" if trace.dark_share else rate_words(min(rates))
    return f"from {low} to {rate_words(max(rates))}"


def _turns(profile: LinkProfile) -> str:
    turns = profile.half_duplex
    return "" if turns is None else f"; one channel for both ways, turned in {turns.turnaround_ms:g} ms"


def _at_best(profile: LinkProfile, size_bytes: int) -> str:
    """Alone, while the link serves, without a header or a loss; billed as a session of its own."""
    if profile.mailbox is not None:
        box = profile.mailbox
        messages = -(-size_bytes // box.up_bytes_max)
        taken_s = (messages - 1) * box.interval_s + box.delay_s_min
        usd = profile.tariff.cost_usd(ip_bytes=0, messages=messages)
        return f"{span_words(taken_s)}, USD {usd:.4f}, messages: {messages}"
    seconds = profile.up.serialisation_s(size_bytes) + profile.up.delay_ms / 1_000
    usd = profile.tariff.cost_usd(ip_bytes=size_bytes, connected_s=seconds)
    return f"{span_words(seconds)}, USD {usd:.4f}"


def _service(service: Service) -> str:
    looked_at = span_words(service.looked_at_s)
    if not service.gaps:
        return f"service: without a gap in {looked_at} from its opening"
    share = service.lit_s / service.looked_at_s
    longest = span_words(service.darkest_s)
    return (
        f"service: {share:.1%} of {looked_at} from its opening; gaps: {service.gaps}, the longest {longest}"
    )
