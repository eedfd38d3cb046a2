"""A real server over loopback, and browsers that do what browsers do with cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sfhub.app import Hub
from sfhub.server import running
from sfhub.storage.people import Clinician


@pytest.fixture
async def served(hub: Hub) -> AsyncIterator[Hub]:
    async with running(hub, host="127.0.0.1", port=0):
        yield hub


@pytest.fixture
async def stranger(served: Hub) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser that nobody signed in."""
    jar = aiohttp.CookieJar(unsafe=True)  # Addresses instead of names may keep cookies.
    async with aiohttp.ClientSession(served.address.base, cookie_jar=jar) as browser:
        yield browser


@pytest.fixture
async def browser(served: Hub, doctor: Clinician) -> AsyncIterator[aiohttp.ClientSession]:
    """The specialist's browser."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(served.address.base, cookie_jar=jar) as browser:
        token = await served.people.one_time_token(doctor)
        async with browser.get("/login", params={"token": token}) as response:
            assert response.status == 200
        yield browser
