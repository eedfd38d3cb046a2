"""A door into the hub's namespace for this machine: it joins TCP connections past the link, uncounted.

A person at a browser sits beside the hub, not behind the satellite; only the site is behind the link.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

CONNECTIONS_MAX = 64
READ_BYTES = 65_536


def main() -> None:
    """Entry point: `ip netns exec HUB python -m simulations.emulator.door OWNER LISTENER HOST PORT`.

    The listener was opened outside, and a socket stays in the namespace it was opened in.
    """
    owner = socket.socket(fileno=int(sys.argv[1]))
    listener = socket.socket(fileno=int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's; we see its socket close.
    asyncio.run(_serve(owner, listener, (sys.argv[3], int(sys.argv[4]))))


async def _serve(owner: socket.socket, listener: socket.socket, hub: tuple[str, int]) -> None:
    owner.setblocking(False)
    listener.setblocking(False)
    async with asyncio.TaskGroup() as group:
        accepting = group.create_task(_accept(listener, hub))
        await asyncio.get_running_loop().sock_recv(owner, 1)  # Returns when the owner is gone.
        accepting.cancel()


async def _accept(listener: socket.socket, hub: tuple[str, int]) -> None:
    loop = asyncio.get_running_loop()
    free = asyncio.Semaphore(CONNECTIONS_MAX)
    async with asyncio.TaskGroup() as group:
        while True:
            await free.acquire()
            near, _ = await loop.sock_accept(listener)
            task = group.create_task(_join(near, hub))
            task.add_done_callback(lambda _done: free.release())


async def _join(near: socket.socket, hub: tuple[str, int]) -> None:
    near.setblocking(False)
    far = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    far.setblocking(False)
    with near, far:
        try:
            await asyncio.get_running_loop().sock_connect(far, hub)
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(near, far))
                group.create_task(_copy(far, near))
        except* OSError:
            pass  # One side is gone; closing the other is all there is to do.


async def _copy(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, READ_BYTES):
        await loop.sock_sendall(target, data)
    target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
