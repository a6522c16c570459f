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
import tempfile
from collections import OrderedDict
from contextlib import suppress
from functools import cache
from typing import Final
from weakref import WeakKeyDictionary

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
_read: Final[OrderedDict[bytes, None]] = OrderedDict()
_readers: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]] = (
    WeakKeyDictionary()
)


async def check_bash(content: str) -> None:
    """Raise `ScriptInvalid`, with line and reason, for what bash could not read.

    What cannot be told is let pass: without bash on this machine, beyond the limits, where
    bash cannot be started, or where the text may end before the line that is wrong.
    """
    program, digest = _bash(), hashlib.sha256(content.encode()).digest()
    if program is None or digest in _read:
        return
    readers = _readers.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(readers_max))
    async with readers:
        wrong = await _complaint(program, content)
        # Patterns such as !(a|b) are read only once a script has asked for them.
        if wrong is not None and await _complaint(program, content, "-O", "extglob") is None:
            wrong = None
    if wrong is not None:
        line, reason = wrong
        before = "".join(content.splitlines(keepends=True)[: line - 1])
        if not _EXIT.search(before):
            raise ScriptInvalid(f"This is no valid bash: {reason}.", line=line)
    _read[digest] = None
    if len(_read) > kept_max:
        _read.popitem(last=False)


async def _complaint(program: str, content: str, *options: str) -> tuple[int, str] | None:
    """Return the line and the reason of the first error of syntax, if there is one."""
    try:
        returned, complaints = await _told(program, content, *options)
    except (OSError, TimeoutError):
        return None
    told = _TOLD.search(complaints)
    if returned != _SYNTAX_ERROR or told is None:
        return None
    return int(told[1]), told[2].decode(errors="replace").strip().rstrip(".")


async def _told(program: str, content: str, *options: str) -> tuple[int | None, bytes]:
    """Return bash's exit status and what it says; raises `OSError` and `TimeoutError`."""
    with tempfile.TemporaryFile() as text:
        text.write(content.encode(errors="replace"))
        text.seek(0)
        process = await asyncio.create_subprocess_exec(
            program, "--noprofile", "--norc", "-c", _BOUNDED, program, *options, "-n",
            stdin=text, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            env={}, cwd="/", start_new_session=True,
        )  # fmt: skip
    try:
        async with asyncio.timeout(seconds_max):
            _, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):  # It has ended, and nobody has told yet.
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode, complaints


@cache
def _bash() -> str | None:
    return shutil.which("bash")
