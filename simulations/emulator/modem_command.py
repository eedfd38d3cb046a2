"""The command `link modem`: two modems on this machine, joined by a profile, until it is interrupted."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from simulations.links import LinkDescriptionError, LinkProfile, load_profile

from .modem import ModemPair


@click.command("modem")
@click.argument("profile")
@click.option("--site", type=click.Path(path_type=Path), required=True, help="Where to put the site's modem.")
@click.option("--hub", type=click.Path(path_type=Path), required=True, help="Where to put the hub's modem.")
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses which bytes are lost.")
def modem_command(*, profile: str, site: Path, hub: Path, seed: int) -> None:
    """Two serial modems joined by PROFILE (a name, or a file): open them as any modem, and dial.

    ATD dials, ATS0=1 answers by itself, +++ and ATH hang up. Ends at Ctrl-C, and says what it cost.
    """
    try:
        chosen = load_profile(profile)
    except LinkDescriptionError as error:
        raise click.ClickException(str(error)) from error
    if chosen.mailbox is not None:
        raise click.ClickException(f"{chosen.title} carries whole messages: no modem dials over it.")
    for path in (site, hub):
        if path.exists() and not path.is_symlink():
            raise click.ClickException(f"{path} exists and is no modem of ours. Nothing was changed.")
    try:
        asyncio.run(_serve(chosen, site, hub, seed))
    except OSError as error:
        raise click.ClickException(f"The modems cannot be made: {error.strerror or error}.") from error


async def _serve(profile: LinkProfile, site: Path, hub: Path, seed: int) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    pair = ModemPair(profile, site=site, hub=hub, seed=seed)
    try:
        click.echo(f"{profile.title}: site {site}, hub {hub}. Ctrl-C ends it.", err=True)
        watching = loop.create_task(pair.run())
        await ended.wait()
        watching.cancel()
    finally:
        pair.close()
    counted = pair.counters()
    size_bytes = counted.up.bytes_sent + counted.down.bytes_sent
    cost_usd = profile.tariff.cost_usd(ip_bytes=size_bytes, connected_s=pair.site.connected_s)
    click.echo(
        f"{counted.up.bytes_sent} bytes up, {counted.down.bytes_sent} down, "
        f"connected {pair.site.connected_s:.0f} s, USD {cost_usd:.2f}",
        err=True,
    )
