"""Which hub a link leads to: written down as soon as there is a choice, and changed by nobody but people."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.ids import Pseudonym
from sfnode.config import LINKS_MAX, LinkSettings, SiteSettings, read_settings
from sfnode.errors import Refused
from sfnode.services.link_book import LinkBook
from sfnode.spool.pairing import Pairing

DESK_URL, BURNS_URL = "http://desk.example", "http://burns.example"
PIN = "sha256:" + "a1" * 32


def pairing(name: str, *, is_home: bool = False) -> Pairing:
    return Pairing(
        pseudonym=Pseudonym(name[:4].encode()),
        organisation="Example Health",
        hub_name=name,
        site_name="MV EXAMPLE",
        link_secret=bytes(32),
        enrolled_s=1_000,
        is_home=is_home,
    )


DESK, BURNS = pairing("Duty desk", is_home=True), pairing("Burns centre")
VSAT = LinkSettings(name="vsat", hub_url=DESK_URL, usd_per_megabyte=9.0, cap_usd_per_day=2.0)
LBAND = LinkSettings(name="lband", bind="ppp0")


def book_of(folder: Path, *links: LinkSettings) -> LinkBook:
    first, *others = links
    settings = SiteSettings(site="MV EXAMPLE", link=first, other_links=tuple(others))
    return LinkBook(folder / "site.toml", settings, first, changed=lambda: None)


def led(book: LinkBook) -> dict[str, tuple[str | None, str | None]]:
    return {link.name: (link.hub, link.hub_url) for link in book.links}


def kept(folder: Path) -> dict[str, str | None]:
    return {link.name: link.hub for link in read_settings(folder / "site.toml").links}


def test_with_one_hub_no_link_names_it(tmp_path: Path) -> None:
    book = book_of(tmp_path, VSAT, LBAND)
    book.settle([DESK])
    assert book.lead_to(DESK, "http://moved.example", [DESK]) is None
    assert led(book) == {"vsat": (None, "http://moved.example"), "lband": (None, "http://moved.example")}


def test_another_hub_gets_a_link_of_its_own_on_the_terms_of_the_home_hub_s(tmp_path: Path) -> None:
    book = book_of(tmp_path, VSAT, LBAND)
    added = book.lead_to(BURNS, BURNS_URL, [DESK, BURNS])
    assert added is not None
    assert (added.name, added.usd_per_megabyte, added.cap_usd_per_day) == ("Burns centre", 9.0, 2.0)
    assert led(book) == {
        "vsat": ("Duty desk", DESK_URL),
        "lband": ("Duty desk", DESK_URL),
        "Burns centre": ("Burns centre", BURNS_URL),
    }
    assert kept(tmp_path) == {"vsat": "Duty desk", "lband": "Duty desk", "Burns centre": "Burns centre"}


def test_another_home_hub_re_points_no_link(tmp_path: Path) -> None:
    book = book_of(tmp_path, VSAT, LBAND)
    book.lead_to(BURNS, BURNS_URL, [DESK, BURNS])
    before = led(book)
    book.settle([pairing("Duty desk"), pairing("Burns centre", is_home=True)])
    assert led(book) == before


def test_a_link_that_names_no_hub_is_settled_on_the_home_hub_of_that_moment(tmp_path: Path) -> None:
    book = book_of(tmp_path, LinkSettings(name="vsat", hub="Duty desk", hub_url=DESK_URL), LBAND)
    book.settle([DESK, BURNS])
    assert kept(tmp_path) == {"vsat": "Duty desk", "lband": "Duty desk"}


def test_a_hub_that_has_a_link_keeps_it_at_its_new_address(tmp_path: Path) -> None:
    book = book_of(tmp_path, VSAT, LinkSettings(name="burns", hub="Burns centre", hub_url=BURNS_URL))
    assert book.lead_to(BURNS, "http://new.example", [DESK, BURNS]) is None
    assert led(book)["burns"] == ("Burns centre", "http://new.example")
    assert led(book)["vsat"] == ("Duty desk", DESK_URL)


def test_the_hub_at_an_address_is_found_by_its_links(tmp_path: Path) -> None:
    book = book_of(tmp_path, VSAT, LinkSettings(name="burns", hub="Burns centre", hub_url=BURNS_URL))
    assert book.hub_at(BURNS_URL + "/", [DESK, BURNS]) == BURNS
    assert book.hub_at(DESK_URL, [DESK, BURNS]) == DESK
    assert book.hub_at("http://other.example", [DESK, BURNS]) is None


def test_a_hub_that_is_left_takes_its_links_with_it_and_nobody_else_s(tmp_path: Path) -> None:
    book = book_of(tmp_path, VSAT, LBAND)
    book.lead_to(BURNS, BURNS_URL, [DESK, BURNS])
    assert book.forget_hub(DESK) == ("vsat", "lband")
    assert led(book) == {"Burns centre": ("Burns centre", BURNS_URL)}
    assert book.forget_hub(BURNS) == ("Burns centre",)
    assert led(book) == {"link": (None, None)}


def test_a_removed_link_leaves_its_address_to_the_others_of_its_hub(tmp_path: Path) -> None:
    book = book_of(tmp_path, VSAT, LBAND)
    book.lead_to(BURNS, BURNS_URL, [DESK, BURNS])
    book.remove("vsat")
    assert led(book) == {"lband": ("Duty desk", DESK_URL), "Burns centre": ("Burns centre", BURNS_URL)}


def test_a_key_is_trusted_while_its_hub_is_joined_and_stays_with_the_link(tmp_path: Path) -> None:
    book = book_of(tmp_path, VSAT)
    book.trust("https://burns.example", PIN)
    assert book.pin_at("https://burns.example") == PIN
    assert book.pin_at(DESK_URL) is None
    added = book.lead_to(BURNS, "https://burns.example", [DESK, BURNS])
    assert added is not None
    assert added.pin == PIN


def test_where_no_link_can_be_added_that_is_said_before_a_code_is_used_up(tmp_path: Path) -> None:
    book = book_of(tmp_path, *(LinkSettings(name=f"link {number}") for number in range(LINKS_MAX)))
    with pytest.raises(Refused, match="another hub needs one"):
        book.check_room()
