"""Commands around the running server."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

import click

from ..config import LISTEN_DEFAULT
from ..errors import BadRequest, CannotListen
from .calling import call_hub
from .refusal import CallRefused
from .terminal import Terminal, json_option

_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--listen", default=LISTEN_DEFAULT, show_default=True, metavar="HOST:PORT")
@click.option("--base", default="", metavar="URL", help="What browsers call this hub, behind a proxy.")
@click.option("--tls-cert", type=_FILE, help="Serve https with this certificate, a PEM file.")
@click.option("--tls-key", type=_FILE, help="The key that belongs to it, a PEM file without passphrase.")
@click.option(
    "--udp", "udp_port", type=click.IntRange(0, 65535), help="Answer sessions in datagrams on this port too."
)
@click.pass_obj
def serve(
    terminal: Terminal,
    listen: str,
    base: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    udp_port: int | None,
) -> None:
    """Run the hub until it is told to end. Its first line on stdout is its address."""
    from protocol.errors import ProtocolError
    from sync.stores.errors import StoreError

    from ..api.operations import describe
    from ..server import serve_hub  # Only this command needs the web server.

    host, port = _address(listen)
    tls = _tls(terminal, tls_cert, tls_key)
    try:
        asyncio.run(
            serve_hub(
                terminal.folder,
                host=host,
                port=port,
                base=base,
                announce=click.echo,
                tls=tls,
                udp_port=udp_port,
            )
        )
    except (ProtocolError, StoreError) as error:
        raise CallRefused(describe(error)) from error


@click.command("console-url")
@click.option("--clinician", required=True)
@click.option("--base", default=None, metavar="URL", help="What browsers call this hub.")
@json_option
@click.pass_obj
def console_url(terminal: Terminal, clinician: str, base: str | None, as_json: bool) -> None:
    """A one-time address that signs a clinician in; good once, for 10 minutes."""
    result = call_hub(terminal.folder, "console_url", {"clinician": clinician, "base": base})
    terminal.data(result, as_json=as_json, text=lambda: [result["url"]])
    terminal.talk(f"For {result['clinician']}, good once, for 10 minutes.")


def _tls(terminal: Terminal, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What to serve https with; tells the pin that sites may trust instead of an authority."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise BadRequest("Give both --tls-cert and --tls-key, or neither.")
    from sync.links.tls import UnusableCertificate, listening_context
    from sync.pins import pin_text

    try:
        context, pin = listening_context(certificate, key)
    except UnusableCertificate as error:
        raise CannotListen(str(error)) from error
    terminal.talk(f"Sites can pin this hub's key: sfnode link set --pin {pin_text(pin)}")
    return context


def _address(listen: str) -> tuple[str, int]:
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise BadRequest(f"{listen} is no HOST:PORT, such as {LISTEN_DEFAULT}.")
    return host.strip("[]") or "0.0.0.0", int(port)
