"""Two links to one running hub: one leads nowhere, the other works and costs money."""

from __future__ import annotations

from sfnode.config import LinkMode, LinkSettings, SiteSettings, write_settings
from tests.integration.conftest import Consult
from tests.sfnode.node_process import NEW_CASE

NOWHERE = "http://127.0.0.1:9"


def use_two_links(consult: Consult, *, cap_usd_per_day: float | None = None, floor: str = "bulk") -> None:
    """A cheap one that is dead, and a dear one that leads to the hub."""
    dear = LinkSettings(
        hub_url=consult.gate.url,
        name="lband",
        mode=LinkMode.MANUAL,
        usd_per_megabyte=8.0,
        cap_usd_per_day=cap_usd_per_day,
        floor=floor,
    )
    cheap = LinkSettings(hub_url=NOWHERE, name="vsat", mode=LinkMode.MANUAL)
    settings = SiteSettings(site="MV EXAMPLE", link=cheap, other_links=(dear,))
    write_settings(consult.node.data / "site.toml", settings)


def test_what_the_cheap_link_cannot_carry_goes_over_the_dear_one(consult: Consult) -> None:
    use_two_links(consult)
    case = consult.node.ask(*NEW_CASE)["case"]
    consult.node.ask("send", case, "--accept-missing")
    report = consult.node.ask("sync")
    assert (report["complete"], report["link"], report["held"]) == (True, "vsat, lband", [])
    assert report["usd"] > 0
    by_name = {each["name"]: each for each in consult.node.ask("link", "list")}
    assert by_name["lband"]["spent_today_usd"] == report["usd"]
    assert (by_name["lband"]["up"], by_name["vsat"]["up"]) == (True, False)
    assert by_name["vsat"]["state"].startswith("down since")


def test_below_the_floor_it_waits_with_its_own_status_and_goes_when_lifted(consult: Consult) -> None:
    use_two_links(consult, floor="emergency")
    routine = ["routine" if word == "urgent" else word for word in NEW_CASE]
    consult.node.ask("send", consult.node.ask(*routine)["case"], "--accept-missing")
    ran = consult.node.run("sync", "--link", "lband")
    assert ran.status == 6
    assert "lband carries nothing below emergency" in ran.err
    assert consult.node.ask("status")["unsent_count"] > 0
    consult.node.ask("link", "set", "lband", "--floor", "bulk")
    assert consult.node.ask("sync", "--link", "lband")["complete"]
    assert consult.node.ask("status")["unsent_count"] == 0


def test_a_cap_that_is_reached_has_its_own_status_and_what_waits_goes_when_it_is_lifted(
    consult: Consult,
) -> None:
    use_two_links(consult, cap_usd_per_day=0.01)
    routine = ["routine" if word == "urgent" else word for word in NEW_CASE]
    case = consult.node.ask(*routine)["case"]
    sent = consult.node.run(
        "--passphrase-file", str(consult.node.passphrase_file), "send", case, "--accept-missing"
    )
    assert sent.status == 0
    ran = consult.node.run("sync", "--link", "lband")
    assert ran.status == 6, ran.err
    assert "on lband today's cap of $0.01 pays for no further contact" in ran.err
    assert "`sfnode link set lband --cap-usd-per-day N`" in ran.err
    waiting = consult.node.ask("status")["unsent_count"]
    assert waiting > 0
    (lband,) = [each for each in consult.node.ask("link", "list") if each["name"] == "lband"]
    assert lband["spent_today_usd"] <= 0.01
    # Asked once more, nothing else is spent; the status is the same.
    again = consult.node.run("sync", "--link", "lband")
    assert (again.status, consult.node.ask("status")["unsent_count"]) == (6, waiting), again.err
    consult.node.ask("link", "set", "lband", "--no-cap")
    assert consult.node.ask("sync", "--link", "lband")["complete"]
    assert consult.node.ask("status")["unsent_count"] == 0


def test_an_emergency_passes_a_spent_cap_and_the_person_is_told(consult: Consult) -> None:
    use_two_links(consult, cap_usd_per_day=0.0)
    emergency = ["emergency" if word == "urgent" else word for word in NEW_CASE]
    consult.node.ask("send", consult.node.ask(*emergency)["case"])
    report = consult.node.ask("sync", "--link", "lband")
    assert report["complete"]
    assert any("EMERGENCY went over lband" in notice for notice in consult.node.ask("status")["notices"])


def test_what_came_of_a_sending_is_the_basis_of_the_next_forecast(consult: Consult) -> None:
    polled = LinkSettings(hub_url=consult.gate.url, name="vsat", mode=LinkMode.POLL)
    write_settings(consult.node.data / "site.toml", SiteSettings(site="MV EXAMPLE", link=polled))
    assert consult.node.ask("status")["forecasts"].startswith("no forecast yet: 0 of 8 contacts seen")
    case = consult.node.ask(*NEW_CASE)["case"]
    sent = consult.node.ask("send", case, "--accept-missing")
    assert "0 of 8 contacts seen" in sent["arrival"] or not sent["arrival"]  # It may be there already.
    assert consult.node.ask("sync")["complete"]
    learnt = consult.node.ask("status")["forecasts"]
    # The headline may have gone in a contact that ended before the text was sealed.
    assert learnt in [f"no forecast yet: {seen} of 8 contacts seen" for seen in (1, 2)]
    consult.node.stop()
    assert consult.node.ask("status")["forecasts"] == learnt
