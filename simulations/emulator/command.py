"""The `link` commands: list the profiles, show one, and a pair of modems joined by an emulated link."""

from __future__ import annotations

import json

import click

from simulations.links import LinkProfile, load_profile, profile_document, profile_names

from .figures import rate_words, size_words
from .modem_command import modem_command
from .show_command import show_command


@click.group()
def link() -> None:
    """Emulated links: what there is, and modems for programs that dial."""


link.add_command(modem_command)
link.add_command(show_command)


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
        up, down = size_words(mailbox.up_bytes_max), size_words(mailbox.down_bytes_max)
        return f"{up:>12} up {down:>14} down a message, one every {mailbox.interval_s:g} s"
    up, down = rate_words(profile.up.rate_bit_s), rate_words(profile.down.rate_bit_s)
    return f"{up:>12} up {down:>14} down  RTT {profile.rtt_ms:>5.0f} ms  loss {profile.up.loss_mean:>5.1%}"
