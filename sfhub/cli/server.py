"""Commands around the running server."""

from __future__ import annotations

import asyncio

import click

from ..config import LISTEN_DEFAULT
from ..errors import BadRequest
from .calling import call_hub
from .refusal import CallRefused
from .terminal import Terminal, json_option


@click.command()
@click.option("--listen", default=LISTEN_DEFAULT, show_default=True, metavar="HOST:PORT")
@click.option("--base", default="", metavar="URL", help="What browsers call this hub, behind a proxy.")
@click.pass_obj
def serve(terminal: Terminal, listen: str, base: str) -> None:
    """Run the hub until it is told to end. Its first line on stdout is its address."""
    from protocol.errors import ProtocolError
    from sync.stores.errors import StoreError

    from ..api.operations import describe
    from ..server import serve_hub  # Only this command needs the web server.

    host, port = _address(listen)
    try:
        asyncio.run(serve_hub(terminal.folder, host=host, port=port, base=base, announce=click.echo))
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


def _address(listen: str) -> tuple[str, int]:
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise BadRequest(f"{listen} is no HOST:PORT, such as {LISTEN_DEFAULT}.")
    return host.strip("[]") or "0.0.0.0", int(port)
