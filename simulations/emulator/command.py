"""The `link` commands: list the profiles, and a pair of modems joined by an emulated link."""

from __future__ import annotations

import json

import click

from simulations.links import LinkProfile, load_profile, profile_document, profile_names

from .modem_command import modem_command


@click.group()
def link() -> None:
    """Emulated links: what there is, and modems for programs that dial."""


link.add_command(modem_command)


@link.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list instead of a table.")
def list_profiles(*, as_json: bool) -> None:
    """List the link profiles that are shipped."""
    profiles = [load_profile(name) for name in profile_names()]
    if as_json:
        click.echo(json.dumps([profile_document(profile) for profile in profiles], indent=2))
        return
    for profile in profiles:
        click.echo(f"{profile.name:<17} {_figures(profile):<75} {profile.title}")


def _figures(profile: LinkProfile) -> str:
    mailbox = profile.mailbox
    if mailbox is not None:
        sizes = f"{_size(mailbox.up_bytes_max):>12} up {_size(mailbox.down_bytes_max):>14} down a message"
        return f"{sizes}, one every {mailbox.interval_s:g} s"
    up, down = _rate(profile.up.rate_bit_s), _rate(profile.down.rate_bit_s)
    return f"{up:>12} up {down:>14} down  RTT {profile.rtt_ms:>5.0f} ms  loss {profile.up.loss_mean:>5.1%}"


def _rate(bit_s: float) -> str:
    if bit_s >= 1_000_000:
        return f"{bit_s / 1_000_000:.3g} Mbit/s"
    return f"{bit_s / 1_000:.3g} kbit/s"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:g} GB" if size_bytes >= 1e9 else f"{size_bytes} B"
