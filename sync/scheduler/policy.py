"""The whole decision: which peers to dial now, over which link, down to which class, at what most.

Pure: the same situation gives the same decision, and nothing here reads a clock or draws a number. For one
peer there is one contact at a time; another one beside it only takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from protocol.header import Priority

from .choice import Choice, choose, held_by
from .decisions import Decision, Dial, Held
from .situation import Current, LinkNow, PairNow
from .terms import LinkMode

TRY_BETTER_S: Final = 900.0
"""How often a working contact is disturbed for a better link that has failed before."""
LOOK_AGAIN_S: Final = 600.0
"""While a cap holds something back: the day may have ended by a clock that the policy does not see."""
EMERGENCY_DIAL_S: Final = 8.0
"""So long an emergency waits for an answer over one link before another is dialled beside it: a satellite
answers within, and three handshakes lost in a row say that nobody is there."""
SILENCE_S: Final = 6.0
"""Beyond two round trips and what is on its way: the other side may hold a receipt back for five seconds."""
SILENCE_BYTES: Final = 1_024
"""What may have to leave before anything can be answered."""
RESERVE_POLL_S: Final = 1_800.0
"""Between two looks that the reserve pays for: it has to last for what is urgent until the day ends."""
ANSWER_LOOK_S: Final = 60.0
"""Between two looks at the least while an emergency waits for its answer."""
ANSWER_LOOK_SHARE: Final = 0.5
"""Of the time since it was asked: an answer waits for a look at most half as long as people took for it."""
COMPARED_BYTES: Final = 100_000
"""To tell which of two links is cheaper to keep open."""

Choices = Mapping[Priority, Choice]


def decide(links: Sequence[LinkNow], pairs: Sequence[PairNow], now_s: float) -> Decision:
    """For all peers together; links may serve several at once."""
    each = [_for_pair(pair, links, now_s) for pair in pairs]
    return Decision(
        dials=tuple(dial for decision in each for dial in decision.dials),
        held=tuple(held for decision in each for held in decision.held),
        look_at_s=min((decision.look_at_s for decision in each), default=math.inf),
    )


def ask(links: Sequence[LinkNow], pair: PairNow, now_s: float) -> Decision:
    """The same when a person says `sync`: pauses, polls and manual modes do not count; floors and caps do."""
    return decide(_eager(links), [replace(pair, attempts={}, good_s=-math.inf, current=None)], now_s)


def ask_instead(links: Sequence[LinkNow], pair: PairNow, now_s: float) -> Decision:
    """While a contact lasts that a person has asked for: which link an emergency leaves it for, if any."""
    if pair.current is None:
        return Decision()
    eager = _eager(links)
    dial = _dial_instead(replace(pair, attempts={}), pair.current, eager, now_s)
    look_at_s = math.inf
    if pair.waits(Priority.EMERGENCY):
        look_at_s = _look_at_silence_s(pair.current, eager, now_s)
    return Decision(dials=(dial,) if dial else (), look_at_s=look_at_s)


def _eager(links: Sequence[LinkNow]) -> list[LinkNow]:
    return [replace(link, terms=replace(link.terms, mode=LinkMode.POLL)) for link in links]


def _for_pair(pair: PairNow, links: Sequence[LinkNow], now_s: float) -> Decision:
    something_waits = any(each.bundles for each in pair.waiting.values())
    classes = tuple(Priority) if something_waits else ()
    choices = {priority: choose(priority, pair, links, now_s) for priority in classes}
    held = _held(pair, links, choices) if something_waits else ()
    moments = [LOOK_AGAIN_S + now_s] if held else []
    moments += [
        moment
        for priority in classes
        if pair.waits(priority)
        for moment in (choices[priority].ready_s, choices[priority].changes_s)
        if moment > now_s
    ]
    if pair.current is None:
        dial = _dial_waiting(pair, choices, now_s) if something_waits else None
        if dial is None:
            dial, due_s = _dial_to_look(pair, links, now_s)
            moments.append(due_s)
    else:
        dial = _dial_instead(pair, pair.current, links, now_s) or _dial_beside(
            pair, pair.current, links, choices, now_s
        )
        moments.append(now_s + TRY_BETTER_S)
        if pair.waits(Priority.EMERGENCY) and len(links) > 1:
            moments.append(_look_at_silence_s(pair.current, links, now_s))
    return Decision(dials=(dial,) if dial else (), held=held, look_at_s=min(moments, default=math.inf))


def _dial_waiting(pair: PairNow, choices: Choices, now_s: float) -> Dial | None:
    """For the most urgent class that has a link which may be dialled."""
    for priority in Priority:
        if not pair.waits(priority):
            continue
        choice = choices[priority]
        if choice.link is not None and choice.ready_s <= now_s:
            return _dial(pair, choice.link, _floor(pair, choice.link, priority, choices))
    return None


def _dial_to_look(pair: PairNow, links: Sequence[LinkNow], now_s: float) -> tuple[Dial | None, float]:
    """For what the peer may have: over the link whose turn comes first, the cheapest of several."""
    automatic = [link for link in links if link.terms.mode is not LinkMode.MANUAL and not link.terms.is_post]
    # Past the cap the reserve pays for looks, for emergencies alone: theirs and the answer to ours.
    able = [link for link in automatic if link.may_look()]
    able = able or [link for link in automatic if link.may_look_for_emergencies()]
    if not able:
        return None, now_s + LOOK_AGAIN_S if automatic else math.inf

    def due_s(link: LinkNow) -> float:
        since_s, poll_s = pair.good_s, link.terms.poll_s
        if not link.may_look():
            poll_s = max(poll_s, RESERVE_POLL_S)
        elif link.terms.mode is LinkMode.HOLD:
            since_s = pair.let_go_s
        else:
            poll_s = between_looks_s(good_s=since_s, asked_s=pair.asked_s, poll_s=poll_s)
        return max(now_s, since_s + poll_s, pair.over(link).ready_s(Priority.BULK))

    def turn(link: LinkNow) -> tuple[float, float, float]:
        each = link.forecast(0)
        return due_s(link), each.usd, each.seconds

    first = able[0] if len(able) == 1 else min(able, key=turn)
    if due_s(first) > now_s:
        return None, due_s(first)
    dial, cap = _dial(pair, first, first.lowest()), first.terms.cap
    # It is for no emergency of ours, whatever floor the link has: nothing of it is without a limit.
    if first.may_look():
        return replace(dial, allowance=cap.left(first.spent)), math.inf
    return replace(dial, allowance=cap.left_for_emergencies(first.spent), stays_open=False), math.inf


def between_looks_s(*, good_s: float, asked_s: float, poll_s: float) -> float:
    """From the look at `good_s` to the next one; the last emergency had reached the peer at `asked_s`."""
    if asked_s == -math.inf:
        return poll_s
    return min(poll_s, max(ANSWER_LOOK_S, (good_s - asked_s) * ANSWER_LOOK_SHARE))


def _silent_from_s(current: Current, links: Sequence[LinkNow]) -> float:
    """From when on an emergency does not wait for a contact any longer."""
    if not current.heard:
        return current.began_s + EMERGENCY_DIAL_S
    patience_s = SILENCE_S
    for link in links:
        if link.name == current.link:
            patience_s += 2 * link.measured.rtt_s + SILENCE_BYTES / link.measured.rate_bytes_s
    return current.silent_since_s + patience_s


def _look_at_silence_s(current: Current, links: Sequence[LinkNow], now_s: float) -> float:
    """Nobody tells when a contact goes dark, or an emergency is there: so one looks."""
    silent_from_s = _silent_from_s(current, links)
    return silent_from_s if now_s < silent_from_s < math.inf else now_s + SILENCE_S


def _dial_instead(pair: PairNow, current: Current, links: Sequence[LinkNow], now_s: float) -> Dial | None:
    """Another link for an emergency, where nobody answers over the one that was dialled, or no more."""
    if not pair.waits(Priority.EMERGENCY) or now_s < _silent_from_s(current, links):
        return None
    others = [link for link in links if link.name != current.link]
    choice = choose(Priority.EMERGENCY, pair, others, now_s)
    if choice.link is None or choice.ready_s > now_s:
        return None
    return replace(_dial(pair, choice.link, Priority.EMERGENCY), replaces=True, abandons=True)


def _dial_beside(
    pair: PairNow, current: Current, links: Sequence[LinkNow], choices: Choices, now_s: float
) -> Dial | None:
    """A better link for a contact under way, which goes on until the better one has dialled."""
    here = next((link for link in links if link.name == current.link), None)
    carried = [each for each in Priority if pair.waits(each) and each <= current.floor]
    if here is None or (carried and carried[0] <= Priority.URGENT):
        return None
    waiting = [each for each in Priority if pair.waits(each)]
    for priority in waiting:
        choice = choices[priority]
        better = choice.link
        if better is None or choice.ready_s > now_s:
            continue
        is_left_out = priority > current.floor and current.stays_open
        if is_left_out or _is_cheaper(better, here):
            return _beside(pair, better, _floor(pair, better, priority, choices), now_s)
    if waiting or not current.stays_open:
        return None
    open_ones = [link for link in links if link.terms.mode is LinkMode.HOLD and _is_cheaper(link, here)]
    open_ones = [link for link in open_ones if pair.over(link).ready_s(Priority.BULK) <= now_s]
    if not open_ones:
        return None
    cheapest = min(open_ones, key=lambda link: link.forecast(COMPARED_BYTES).usd)
    return _beside(pair, cheapest, cheapest.lowest(), now_s)


def _beside(pair: PairNow, better: LinkNow, floor: Priority, now_s: float) -> Dial | None:
    attempts = pair.over(better)
    if attempts.is_failing and now_s < attempts.failed_s + TRY_BETTER_S:
        return None
    return replace(_dial(pair, better, floor), replaces=True)


def _is_cheaper(link: LinkNow, here: LinkNow) -> bool:
    return link.forecast(COMPARED_BYTES).usd < here.forecast(COMPARED_BYTES).usd


def _floor(pair: PairNow, link: LinkNow, urgent: Priority, choices: Choices) -> Priority:
    """What else goes along: the classes below that would take the same link, as far as it may carry them."""
    floor = urgent
    for priority in Priority:
        if floor < priority <= link.lowest() and choices[priority].link is link and priority == floor + 1:
            floor = priority
    if urgent is Priority.EMERGENCY and floor > urgent:
        # What goes along must not end the contact at the cap in the middle of the emergency.
        size_bytes = sum(pair.backlog(each).size_bytes for each in Priority if each <= floor)
        each = link.forecast(size_bytes)
        if not link.allowance(floor).pays(usd=each.usd, size_bytes=each.size_bytes):
            return urgent
    return floor


def _dial(pair: PairNow, link: LinkNow, floor: Priority) -> Dial:
    has_emergency = pair.waits(Priority.EMERGENCY)
    # What no cap may stop is an emergency, and not a session that is kept open after one.
    stays_open = link.terms.mode is LinkMode.HOLD and link.may_look()
    return Dial(
        pair=pair.pair,
        link=link.name,
        floor=floor,
        allowance=link.terms.cap.left(link.spent) if stays_open else link.allowance(floor),
        stays_open=stays_open,
        beyond_cap=has_emergency and link.terms.cap.is_used_up(link.spent),
    )


def _held(pair: PairNow, links: Sequence[LinkNow], choices: Choices) -> tuple[Held, ...]:
    carried = pair.current.floor if pair.current is not None else -1
    return tuple(
        Held(
            pair=pair.pair,
            priority=priority,
            backlog=pair.backlog(priority),
            by=tuple((link.name, reason) for link in links if (reason := held_by(link, priority))),
        )
        for priority in Priority
        if pair.waits(priority) and choices[priority].link is None and priority > carried
    )
