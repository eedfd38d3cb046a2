"""A link of whole messages: when each leaves, which copies arrive and when, or that it is lost.

Pure, as the model of a line. The sender is never told: of many such services "failed" may have arrived.
"""

from __future__ import annotations

import math
import random
from collections import deque
from enum import StrEnum

from .profile import Mailbox
from .service import ServicePlan

DEPARTURES_MAX = 10_000
"""Of a timetable, looked at in search of one in the light."""
WAITING_MAX = 256
"""Messages that a modem or a mail host takes before it refuses more."""


class Way(StrEnum):
    """From the site, or to it."""

    UP = "up"
    DOWN = "down"


class MessageTooLong(ValueError):
    """The service carries no message of this size."""


class PostModel:
    """One direction of a mailbox link."""

    def __init__(
        self, mailbox: Mailbox, way: Way, *, seed: int | str, service: ServicePlan | None = None
    ) -> None:
        self.bytes_max = mailbox.up_bytes_max if way is Way.UP else mailbox.down_bytes_max
        self._mailbox = mailbox
        self._service = service or ServicePlan()
        self._random = random.Random(f"{way}/{seed}")
        self._next_s = 0.0
        self._departures: deque[float] = deque()

    def waiting(self, now_s: float) -> int:
        """Messages that were taken and have not left yet."""
        while self._departures and self._departures[0] <= now_s:
            self._departures.popleft()
        return len(self._departures)

    def departs_s(self, now_s: float) -> float:
        """When a message that is offered now would leave; infinity if the service never comes back."""
        mailbox = self._mailbox
        from_s = max(now_s, self._next_s)
        for _ in range(DEPARTURES_MAX):
            if mailbox.first_departure_s is not None:
                missed = max(0, math.ceil((from_s - mailbox.first_departure_s) / mailbox.interval_s))
                from_s = mailbox.first_departure_s + missed * mailbox.interval_s
            departs_s = self._service.next_up_s(from_s)
            if departs_s == from_s or mailbox.first_departure_s is None:
                return departs_s
            from_s = departs_s  # The boat of the timetable did not sail.
        return math.inf

    def offer(self, now_s: float, length_bytes: int) -> tuple[float, ...] | None:
        """Arrival times of the copies, none for a lost message; None when too many wait already.

        Raises `MessageTooLong`."""
        if length_bytes > self.bytes_max:
            raise MessageTooLong(f"a message of {length_bytes} bytes: this link carries {self.bytes_max}")
        if self.waiting(now_s) >= WAITING_MAX:
            return None
        departs_s = self.departs_s(now_s)
        if math.isinf(departs_s):
            return ()
        self._next_s = departs_s + self._mailbox.interval_s
        self._departures.append(departs_s)
        is_lost = self._random.random() < self._mailbox.loss
        copies = self._random.randint(1, self._mailbox.copies_max)
        delays_s = [
            self._random.uniform(self._mailbox.delay_s_min, self._mailbox.delay_s_max) for _ in range(copies)
        ]
        return () if is_lost else tuple(sorted(departs_s + delay_s for delay_s in delays_s))
