"""Have a picture read by a confined worker process, and bring back its answer or why there is none."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from protocol.codec import Primitive
from protocol.errors import MalformedInput

from .budget import WORKERS_MAX, ReadingLimits
from .errors import PhotoReaderStopped, PhotoRefused, PhotoTimedOut
from .exchange import LENGTH_BYTES, Task, parse_answer, task_arguments

_WORKER_MODULE: Final = "sfnode.media.worker"
_PACKAGE_ROOT: Final = str(Path(__file__).resolve().parents[2])
# Nothing of the node's environment reaches the worker. Each malloc arena reserves 64 MB of address space.
_ENVIRONMENT: Final = {"PYTHONPATH": _PACKAGE_ROOT, "MALLOC_ARENA_MAX": "2"}
_COMPLAINT_BYTES_MAX: Final = 4_096
_READ_BYTES: Final = 4_096

# One per event loop, since a semaphore serves only the loop it was first waited for in.
_seats: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def ask_worker(task: Task, source: int, limits: ReadingLimits, *, label: str) -> Primitive:
    """The payload of the worker's answer about the picture in the open file `source`.

    Raises `PhotoRefused` and nothing else of its own; a caller that is cancelled leaves no process behind.
    Waits while `WORKERS_MAX` others are at work; the time limit counts from the worker's start.
    """
    async with _seats.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(WORKERS_MAX)):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # The current folder may hold anything, also a module named like one of Pillow's.
            "-s",
            "-B",  # The worker writes no file, not even compiled code.
            "-m",
            _WORKER_MODULE,
            *task_arguments(task, limits),
            stdin=source,
            stdout=PIPE,
            stderr=PIPE,
            env=_ENVIRONMENT,
        )
        try:
            return await _answer(process, task, limits, label=label)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _answer(process: Process, task: Task, limits: ReadingLimits, *, label: str) -> Primitive:
    if process.stdout is None or process.stderr is None:
        raise AssertionError("both pipes were asked for")
    try:
        async with asyncio.timeout(limits.wall_s_max):
            async with asyncio.TaskGroup() as readers:
                answer = readers.create_task(_framed_answer(process.stdout, task.answer_bytes_max))
                complaint = readers.create_task(_last_words(process.stderr))
            status = await process.wait()
    except TimeoutError as error:
        raise PhotoTimedOut(label=label) from error
    body = answer.result()
    if body is None:
        raise _no_answer(status, complaint.result(), label=label)
    try:
        return parse_answer(body, task, label=label)
    except MalformedInput as error:
        raise PhotoReaderStopped("its answer made no sense", label=label) from error


async def _framed_answer(stream: asyncio.StreamReader, bytes_max: int) -> bytes | None:
    """The answer's body, or None if the worker ended before it was whole."""
    try:
        length = int.from_bytes(await stream.readexactly(LENGTH_BYTES), "big")
        return await stream.readexactly(min(length, bytes_max))
    except asyncio.IncompleteReadError:
        return None


async def _last_words(stream: asyncio.StreamReader) -> bytes:
    """The end of what the worker complained of; read to the last byte, or a full pipe would stop it."""
    words = b""
    while part := await stream.read(_READ_BYTES):
        words = (words + part)[-_COMPLAINT_BYTES_MAX:]
    return words


def _no_answer(status: int, complaint: bytes, *, label: str) -> PhotoRefused:
    if status == -signal.SIGXCPU:
        return PhotoTimedOut(label=label)
    refusal = PhotoReaderStopped(f"exit status {status}", label=label)
    # For whoever looks into it; never part of the sentence, since the file may have shaped it.
    refusal.add_note(ascii(complaint.decode(errors="replace")))
    return refusal
