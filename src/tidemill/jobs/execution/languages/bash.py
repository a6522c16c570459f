"""Scripts in bash: whether they parse, as bash itself tells; nothing of them is run.

Bash reads with `-n`, which runs no command, nor what a substitution holds; the text comes as a file
on standard input, and the process has no environment, no right to write, little memory and time.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Final

from tidemill.jobs.errors import ScriptInvalid

seconds_max: Final = 5.0
readers_max: Final = 2
kept_max: Final = 2_000
# Before the text is read; what is refused here lets the text pass unread.
_BOUNDED: Final = 'ulimit -c 0 -f 0 -t 2 -v 524288 && exec -c "$0" --noprofile --norc "$@"'
_SYNTAX_ERROR: Final = 2
# What it warns of as well stands on lines of its own.
_TOLD: Final = re.compile(rb"line (\d+): (?!warning: )(.+)")
# By `exec` another program takes over, unless it does no more than redirect.
_EXIT: Final = re.compile(
    r"^(?:[^\s#][^\n#{}()&|]*;[ \t]*)?(?:exit\b|exec[ \t]+(?!\d*[<>&]|\{))", re.MULTILINE
)
Wrong = tuple[int, str] | None
# What was told of a text, by its hash; readers write here, whoever asks looks.
_told_of: Final[OrderedDict[bytes, Wrong]] = OrderedDict()
_reading: Final[dict[bytes, Future[Wrong]]] = {}
_lock: Final = Lock()


async def check_bash(content: str) -> None:
    """Raise `ScriptInvalid`, with line and reason, for what bash could not read.

    What cannot be told is let pass: without bash on this machine, beyond the limits, where
    bash cannot be started, or where the text may end before the line that is wrong.
    """
    program = _bash()
    if program is None:
        return
    # Others may wait for the same text.
    wrong = await asyncio.shield(asyncio.wrap_future(_asked(program, content)))
    if wrong is not None:
        line, reason = wrong
        before = "".join(content.splitlines(keepends=True)[: line - 1])
        if not _EXIT.search(before):
            raise ScriptInvalid(f"This is no valid bash: {reason}.", line=line)


def _asked(program: str, content: str) -> Future[Wrong]:
    """Return what is told of a text, or the reading that will tell it."""
    digest = hashlib.sha256(content.encode()).digest()
    with _lock:
        if digest in _told_of:
            told: Future[Wrong] = Future()
            told.set_result(_told_of[digest])
            return told
        reading = _reading.get(digest)
        if reading is not None:
            return reading
        # In a thread: who is cancelled while asyncio starts a process may wait for it for ever.
        reading = _reading[digest] = _readers().submit(_read, program, content, digest)
    return reading


def _read(program: str, content: str, digest: bytes) -> Wrong:
    try:
        wrong = _wrong(program, content)
    except BaseException:
        with _lock:
            del _reading[digest]
        raise
    # In one step, or somebody finds the text neither read nor being read.
    with _lock:
        del _reading[digest]
        _told_of[digest] = wrong
        if len(_told_of) > kept_max:
            _told_of.popitem(last=False)
    return wrong


def _wrong(program: str, content: str) -> Wrong:
    """Return the line and the reason of the first error of syntax, if there is one."""
    wrong = _complaint(program, content)
    # Patterns such as !(a|b) are read only once a script has asked for them.
    if wrong is not None and _complaint(program, content, "-O", "extglob") is None:
        return None
    return wrong


def _complaint(program: str, content: str, *options: str) -> Wrong:
    try:
        returned, complaints = _told(program, content, *options)
    except (OSError, subprocess.TimeoutExpired):
        return None
    told = _TOLD.search(complaints)
    if returned != _SYNTAX_ERROR or told is None:
        return None
    return int(told[1]), told[2].decode(errors="replace").strip().rstrip(".")


def _told(program: str, content: str, *options: str) -> tuple[int, bytes]:
    """Return bash's exit status and what it says; raises `OSError` and `TimeoutExpired`."""
    with tempfile.TemporaryFile() as text:
        text.write(content.encode(errors="replace"))
        text.seek(0)
        process = subprocess.Popen(  # noqa: S603 - the text is its input, not its command
            [program, "--noprofile", "--norc", "-c", _BOUNDED, program, *options, "-n"],
            stdin=text, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={}, cwd="/", start_new_session=True,
        )  # fmt: skip
    with process:
        try:
            _, complaints = process.communicate(timeout=seconds_max)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, complaints


@cache
def _readers() -> ThreadPoolExecutor:
    """Return the threads in which bash reads: as many texts at a time as there are threads."""
    return ThreadPoolExecutor(readers_max, thread_name_prefix="bash")


@cache
def _bash() -> str | None:
    return shutil.which("bash")
