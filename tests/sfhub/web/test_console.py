"""The console over a real server: who gets in, what is shown, what is sent, and that nothing written runs."""

from __future__ import annotations

import asyncio
import os
import re
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest

from protocol.actors import Actor, Role
from protocol.bundle import LayerBundle, blob_hash
from protocol.clinical import (
    AllergyState,
    CaseOpened,
    Headline,
    Layer,
    Media,
    Note,
    Patient,
    Treatment,
)
from protocol.header import Priority
from protocol.ids import CaseId
from protocol.micro import write_micro
from protocol.orders import CapabilityItem
from protocol.records import NewRecord
from protocol.stamps import Stamp
from sfhub.app import Hub
from sfhub.services.people import SESSION_LIFETIME_S, TOKEN_LIFETIME_S
from sfhub.services.replies import Draft
from sfhub.storage.people import Clinician
from tests.sfhub.site import NOON_S, Site, Story, TestClock, layer_of, vitals

Browser = aiohttp.ClientSession

SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = '"><img src=x onerror=alert(1)>'
PAYLOADS = (SCRIPT, ATTRIBUTE, "javascript:alert(1)", "{{7*7}}", "</textarea><svg/onload=alert(1)>")


@pytest.fixture
async def story(served: Hub, site: Site) -> Story:
    story = site.story()
    await site.deliver_story(served, story)
    return story


async def page(browser: Browser, path: str, status: int = 200) -> str:
    async with browser.get(path) as response:
        assert response.status == status, await response.text()
        return await response.text()


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found, f"no field {name}"
    return found[1]


async def send(browser: Browser, story: Story, **fields: str) -> tuple[int, str, str]:
    """Fill in the composer as a browser does; status, final address and page."""
    text = await page(browser, f"/case/{story.case_id.hex()}")
    form = {"form_token": hidden(text, "form_token"), "seen": hidden(text, "seen")} | fields
    async with browser.post(f"/case/{story.case_id.hex()}/reply", data=form) as response:
        return response.status, str(response.url), await response.text()


# Who gets in.


async def test_a_stranger_sees_nothing(stranger: Browser, story: Story) -> None:
    case = f"/case/{story.case_id.hex()}"
    for path in ("/", case, f"{case}/media/{story.preview.blob.hex()}", "/events"):
        text = await page(stranger, path, status=401)
        assert "chest pain" not in text
    async with stranger.post(f"{case}/reply", data={"assessment": "x"}) as response:
        assert response.status == 401


async def test_a_one_time_address_burns(served: Hub, stranger: Browser, doctor: Clinician) -> None:
    token = await served.people.one_time_token(doctor)
    async with stranger.get("/login", params={"token": token}) as response:
        assert response.status == 200
        cookie = response.cookies["sfhub_session"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert "Specialist on duty" in await page(stranger, "/")
    async with Browser(served.address.base) as second, second.get("/login", params={"token": token}) as again:
        assert again.status == 401
        assert "sfhub_session" not in again.cookies


async def test_a_look_ahead_does_not_burn_it(served: Hub, stranger: Browser, doctor: Clinician) -> None:
    token = await served.people.one_time_token(doctor)
    async with stranger.head("/login", params={"token": token}) as response:
        assert response.status == 405
    async with stranger.get("/login", params={"token": token}) as response:
        assert response.status == 200


async def test_a_one_time_address_runs_out(
    served: Hub, stranger: Browser, doctor: Clinician, clock: TestClock
) -> None:
    token = await served.people.one_time_token(doctor)
    clock.now_s += TOKEN_LIFETIME_S
    async with stranger.get("/login", params={"token": token}) as response:
        assert response.status == 401


async def test_a_session_runs_out(browser: Browser, clock: TestClock) -> None:
    await page(browser, "/")
    clock.now_s += SESSION_LIFETIME_S
    assert "shift of 12 hours" in await page(browser, "/", status=401)


async def test_signing_out_ends_the_session(browser: Browser) -> None:
    token = hidden(await page(browser, "/"), "form_token")
    async with browser.post("/logout", data={"form_token": token}) as response:
        assert response.status == 200
    await page(browser, "/", status=401)


async def test_a_form_of_another_page_is_refused(served: Hub, browser: Browser, story: Story) -> None:
    async with browser.post(
        f"/case/{story.case_id.hex()}/reply", data={"form_token": "0" * 48, "assessment": "x"}
    ) as response:
        assert response.status == 403
    assert (await served.worklist.case(story.case_id)).replies == ()


async def test_secrets_are_kept_as_hashes_only(served: Hub, browser: Browser) -> None:
    (cookie,) = [cookie.value for cookie in browser.cookie_jar]
    await served.database.close()
    for path in served.folder.root.iterdir():
        if path.is_file():
            assert cookie.encode() not in path.read_bytes()


# What is shown.


async def test_the_queue_and_the_case_show_what_is_here(browser: Browser, story: Story) -> None:
    text = await page(browser, "/")
    assert "chest pain" in text
    assert "MV ARGO" in text
    case = await page(browser, f"/case/{story.case_id.hex()}")
    assert "penicillin" in case
    assert "standard layer, lossy (quality 30)" in case
    assert "82.5 kg measured" in case


async def test_opening_a_case_tells_the_site_once(served: Hub, browser: Browser, story: Story) -> None:
    for _ in range(2):
        await page(browser, f"/case/{story.case_id.hex()}")
    view = await served.worklist.case(story.case_id)
    assert [event.kind for event in view.timeline].count("case_seen") == 1


async def test_a_picture_is_served_as_a_picture_and_nothing_else(browser: Browser, story: Story) -> None:
    async with browser.get(f"/case/{story.case_id.hex()}/media/{story.preview.blob.hex()}") as response:
        assert await response.read() == story.preview.data
        assert response.headers["Content-Type"] == "image/avif"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"


async def test_a_picture_of_another_case_is_not_served(
    served: Hub, browser: Browser, site: Site, story: Story
) -> None:
    other = site.story()
    await site.deliver(served, other.text, other.manifest, other.preview)
    await page(browser, f"/case/{story.case_id.hex()}/media/{other.preview.blob.hex()}", status=404)


async def test_a_picture_that_no_record_names_is_not_served(
    served: Hub, browser: Browser, site: Site, story: Story
) -> None:
    stray = LayerBundle(story.case_id, Layer.STANDARD, b"not of this case")
    await site.deliver(served, stray)
    await page(browser, f"/case/{story.case_id.hex()}/media/{stray.blob.hex()}", status=404)


@pytest.mark.parametrize("path", ["/case/zz", "/case/00", "/case/" + "0" * 20, "/static/../hub.db"])
async def test_what_is_not_there_is_said(browser: Browser, path: str) -> None:
    await page(browser, path, status=404)


async def test_the_browser_is_told_to_be_strict(browser: Browser) -> None:
    async with browser.get("/") as response:
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy
        text = await response.text()
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)


# What is sent.


async def test_a_reply_goes_out_whole(served: Hub, browser: Browser, site: Site, story: Story) -> None:
    await site.deliver(
        served, site.introduction(CapabilityItem(item=7, name="aspirin", strength="300 mg", quantity=4))
    )
    status, url, text = await send(
        browser,
        story,
        **{
            "assessment": "ACS.",
            "certainty": "probable",
            "orders.1.item": "7",
            "orders.1.dose": "300 mg",
            "orders.2.name": "oxygen",
            "orders.3.name": "",
            "contingencies.1.quantity": "spo2",
            "contingencies.1.below": "90",
            "contingencies.1.then": "more oxygen",
            "contingencies.1.order": "2",
            "contingencies.1.confirm_reading": "on",
            "recheck_every_min": "15",
            "evacuation": "prepare",
            "valid_for_min": "360",
            "stop_rule": "",
        },
    )
    assert status == 200
    assert "sent=" in url
    assert re.search(r"Sent: (at most )?\d{3} bytes", text)
    (reply,) = (await served.worklist.case(story.case_id)).replies
    assert [order.text for order in reply.orders] == ["aspirin 300 mg, dose 300 mg", "oxygen"]
    assert reply.contingencies == ("if SpO2 below 90 %, two readings in a row: more oxygen (order 2)",)


async def test_an_error_names_its_field_and_keeps_what_was_typed(
    served: Hub, browser: Browser, story: Story
) -> None:
    status, _, text = await send(
        browser,
        story,
        **{"assessment": "", "orders.1.dose": "5 mg", "follow_up": "call <at> noon & later"},
    )
    assert status == 422
    assert 'href="#f-assessment">The assessment is missing.' in text
    assert 'href="#f-orders.1.name">Order 1: what to give or do is missing.' in text
    assert 'value="5 mg"' in text
    assert 'value="call &lt;at&gt; noon &amp; later"' in text
    assert (await served.worklist.case(story.case_id)).replies == ()


async def test_a_reply_that_is_too_long_keeps_what_was_typed(
    served: Hub, browser: Browser, story: Story
) -> None:
    fields = {"assessment": "a" * 3_900}
    for number in range(1, 25):
        fields[f"orders.{number}.name"] = f"{number:03}" + "n" * 100
        fields[f"orders.{number}.dose"] = "n" * 100
        fields[f"orders.{number}.details"] = "d" * 390
    status, _, text = await send(browser, story, **fields)
    assert status == 422
    assert "a record is larger than 16384 bytes. Shorten it." in text
    assert "a" * 3_900 in text
    assert 'value="024nnn' in text
    assert (await served.worklist.case(story.case_id)).replies == ()


async def test_news_while_typing_is_shown_before_anything_goes(
    served: Hub, browser: Browser, site: Site, story: Story
) -> None:
    case = f"/case/{story.case_id.hex()}"
    text = await page(browser, case)
    await site.deliver(served, site.entry(vitals(spo2_percent=84), case_id=story.case_id))
    form = {
        "form_token": hidden(text, "form_token"),
        "seen": hidden(text, "seen"),
        "assessment": "Rest.",
    }
    async with browser.post(f"{case}/reply", data=form) as response:
        again = await response.text()
        assert response.status == 422
    assert "this arrived while you were writing" in again
    assert "SpO2 84" in again
    assert ">Rest.</textarea>" in again
    form["seen"] = hidden(again, "seen")
    async with browser.post(f"{case}/reply", data=form) as response:
        assert response.status == 200
    assert len((await served.worklist.case(story.case_id)).replies) == 1


async def test_an_allergy_needs_a_second_press(served: Hub, browser: Browser, story: Story) -> None:
    typed = {"assessment": "Strep.", "orders.1.name": "penicillin V"}
    status, _, text = await send(browser, story, **typed)
    assert status == 422
    caution = "Order 1 is penicillin V, and the patient is allergic to penicillin."
    assert caution in text
    status, _, _ = await send(browser, story, **typed, acknowledged=caution)
    assert status == 200


async def test_two_answers_stand_side_by_side(
    served: Hub, browser: Browser, story: Story, doctor: Clinician
) -> None:
    colleague = await served.people.add("Second specialist", Role.SPECIALIST)
    seen = (await served.worklist.case(story.case_id)).seen
    for author, words in ((doctor, "ACS."), (colleague, "Pericarditis.")):
        await served.replies.send(story.case_id, author, Draft(values={"assessment": words}, seen=seen))
    text = await page(browser, f"/case/{story.case_id.hex()}")
    assert "Answers side by side: nobody has chosen" in text
    assert "ACS." in text
    assert "Pericarditis." in text


async def test_immediate_advice_goes_at_once(served: Hub, browser: Browser, story: Story) -> None:
    token = hidden(await page(browser, "/"), "form_token")
    path = f"/case/{story.case_id.hex()}/advice"
    async with browser.post(path, data={"form_token": token, "text": "Sit him up.\r\nOxygen."}) as response:
        assert response.status == 200
    async with browser.post(path, data={"form_token": token, "text": " "}) as response:
        assert response.status == 422
    (advice,) = (await served.worklist.case(story.case_id)).advice
    assert advice.text == "Sit him up.\nOxygen."


async def test_a_coordinator_has_no_composer(served: Hub, stranger: Browser, story: Story) -> None:
    coordinator = await served.people.add("Coordinator", Role.COORDINATOR)
    token = await served.people.one_time_token(coordinator)
    async with stranger.get("/login", params={"token": token}):
        pass
    text = await page(stranger, f"/case/{story.case_id.hex()}")
    assert 'name="assessment"' not in text
    form = {"form_token": hidden(text, "form_token"), "assessment": "x"}
    async with stranger.post(f"/case/{story.case_id.hex()}/reply", data=form) as response:
        assert response.status == 403


async def test_a_headline_that_nobody_signed_is_shown_as_such(
    served: Hub, browser: Browser, site: Site
) -> None:
    story = site.story()
    said = Headline(urgency=Priority.EMERGENCY, complaint="crushing chest pain", question="Aspirin now?")
    micro = write_micro(
        NewRecord(said),
        case_id=story.case_id,
        patient_id=site.patient,
        author=site.medic,
        stamp=Stamp(40, NOON_S),
        covers=story.text.entry_id,
    )
    await site.deliver(served, micro)
    for path in ("/", f"/case/{story.case_id.hex()}"):
        text = await page(browser, path)
        assert "crushing chest pain" in text
        assert "nobody has signed it, and the signed case has not arrived" in text
    assert "Provisional headline, not signed" in text
    assert "Aspirin now?" in text
    await site.deliver(served, site.introduction(), story.text)
    text = await page(browser, f"/case/{story.case_id.hex()}")
    assert "rovisional" not in text


async def test_open_pages_hear_of_a_new_case(served: Hub, browser: Browser, site: Site) -> None:
    async with browser.get("/events") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        await response.content.readuntil(b"\n\n")
        story = site.story()
        await site.deliver(served, site.introduction(), story.headline)
        async with asyncio.timeout(10):
            told = b""
            while story.case_id.hex().encode() not in told:
                told = await response.content.readuntil(b"\n\n")


# Nothing that somebody wrote runs.


class Elements(HTMLParser):
    """What a browser would make of a page: every element and attribute that could act."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "script" and not values.get("src", "").startswith("/static/"):
            self.acting.append((tag, "inline"))
        for name, value in values.items():
            if (
                name.startswith("on")
                or name == "style"
                or ("javascript:" in value and name in ("href", "src"))
            ):
                self.acting.append((tag, f"{name}={value}"))
        if tag in ("iframe", "object", "embed", "base"):
            self.acting.append((tag, "embedded"))
        if tag == "img" and not values.get("src", "/case/").startswith("/case/"):
            self.acting.append((tag, values["src"]))


async def hostile_case(hub: Hub, site: Site, payload: str) -> CaseId:
    """A case with `payload` in every text that a site can write."""
    case_id, data = CaseId(os.urandom(10)), os.urandom(64)
    short = payload[:40]
    await site.deliver(
        hub,
        site.entry(
            Actor(name=payload, role=Role.MEDIC),
            Headline(
                urgency=Priority.URGENT,
                complaint=payload,
                allergy_state=AllergyState.LISTED,
                allergies=(short,),
                treatments=(payload[:60],),
                question=payload,
                photo_count=3,
            ),
            case_id=case_id,
        ),
        site.entry(
            CaseOpened(
                template=payload,
                template_version=1,
                urgency=Priority.URGENT,
                complaint=payload,
                question=payload,
                site=site.mailbox,
                hub=site.hub_mailbox,
                plan_if_silent=payload,
            ),
            Patient(
                code=payload,
                allergy_state=AllergyState.LISTED,
                allergies=(payload,),
                medicines=(payload,),
                history=(payload,),
            ),
            Patient(code=payload, allergies=(payload,), allergy_state=AllergyState.LISTED),
            Note(language="en", text=payload),
            Treatment(given_s=1, what=payload, dose=payload, route=payload, effect=payload),
            vitals(),
            Media(caption=payload, source=blob_hash(data), layers=(layer_of(Layer.PREVIEW, data),)),
            case_id=case_id,
        ),
        LayerBundle(case_id, Layer.PREVIEW, data),
        site.introduction(CapabilityItem(item=1, name=payload, strength=payload, form=payload, quantity=1)),
    )
    return case_id


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_nothing_a_site_writes_runs(
    served: Hub, browser: Browser, site: Site, doctor: Clinician, payload: str
) -> None:
    case_id = await hostile_case(served, site, payload)
    values: dict[str, Any] = {
        "assessment": payload,
        "orders": [
            {"name": payload, "dose": payload, "route": payload, "frequency": payload, "details": payload}
        ],
        "contingencies": [{"quantity": "spo2", "below": 90, "then": payload}],
        "stop_rule": payload,
        "follow_up": payload,
    }
    await served.replies.send(case_id, doctor, Draft(values=values))
    await served.replies.advise(case_id, doctor, payload)
    typed = {"assessment": "", "orders.1.name": payload, "stop_rule": payload, "certainty": payload}
    path = f"/case/{case_id.hex()}"
    token = hidden(await page(browser, path), "form_token")
    async with browser.post(f"{path}/reply", data={"form_token": token} | typed) as response:
        returned = await response.text()
    for text in (await page(browser, "/"), await page(browser, path), returned):
        elements = Elements()
        elements.feed(text)
        assert elements.acting == []
        if payload in (SCRIPT, ATTRIBUTE):
            assert payload not in text
            assert payload.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in text
        said = text.replace('<option value="49">', "")  # A question of the catalogue has that number.
        assert "49" not in re.findall(r"\{\{7\*7\}\}|\b49\b", said)


async def test_what_is_in_the_address_does_not_run(browser: Browser, story: Story) -> None:
    text = await page(browser, f"/case/{story.case_id.hex()}?sent={SCRIPT}&bytes={SCRIPT}")
    assert SCRIPT not in text
    assert SCRIPT not in await page(browser, f"/case/{SCRIPT}", status=404)


async def test_a_form_that_is_too_long_is_refused(browser: Browser, story: Story) -> None:
    token = hidden(await page(browser, "/"), "form_token")
    path = f"/case/{story.case_id.hex()}/reply"
    async with browser.post(path, data={"form_token": token, "assessment": "x" * 300_000}) as response:
        assert response.status == 413
