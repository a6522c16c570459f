"""Scripts and their versions; no I/O."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.jobs.contract import ScriptId
from tidemill.jobs.errors import (
    InvalidJobField,
    InvalidScriptPath,
    ScriptInvalid,
    ScriptTooLarge,
)

_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
path_chars_max: Final = 200
attempts_most: Final = 100
WARM_LANGUAGES: Final = ("python",)
"""Languages whose processes may run one job after the other."""
DEPLOYED: Final = ("sandbox", "warm")
"""How far the jobs of a script may be kept apart by its own word."""


class Version(Struct, frozen=True):
    """One version of a script, with the columns of the repository in order.

    `schema` is the JSON Schema of its arguments, as JSON. `lock_hash` is the content that pins
    its packages, `imports` is JSON: the contents of the scripts that it imports, by path. `limits`
    is JSON: what limits its jobs, `requires` is JSON: what they need of their worker. These,
    `isolation`, `affinity_key` and `attempts_max` hold for those that do not say otherwise.
    """

    script_id: ScriptId
    path: str
    number: int
    language: str
    content_hash: str
    parent_hash: str | None
    schema: str
    created_at: Instant
    created_by: str
    lock_hash: str | None = None
    imports: str = "{}"
    limits: str | None = None
    isolation: str | None = None
    requires: str | None = None
    affinity_key: str | None = None
    attempts_max: int | None = None


class Needs(Struct, frozen=True, kw_only=True):
    """What a script needs to run besides its text: pinned packages, and other scripts by path."""

    lock: str = ""
    modules: dict[str, str] = {}


class Script(Struct, frozen=True):
    """A script: its path, and the version that runs."""

    id: ScriptId
    path: str
    head: Version
    created_at: Instant
    created_by: str
    updated_at: Instant
    archived_at: Instant | None


def script_path(text: str) -> str:
    """Return `text` as the path of a script, without a slash at its ends."""
    path = text.strip("/")
    if len(path) > path_chars_max or not _PATH.fullmatch(path):
        raise InvalidScriptPath
    return path


def checked_content(content: str, *, bytes_max: int) -> str:
    """Return `content`, which every database can keep, within the limit."""
    try:
        size = len(content.encode())
    except UnicodeEncodeError:
        raise ScriptInvalid("The script holds a character that is no valid Unicode.") from None
    if size > bytes_max:
        raise ScriptTooLarge(size, bytes_max)
    if "\x00" in content:
        line = content[: content.index("\x00")].count("\n") + 1
        raise ScriptInvalid("The script holds a NUL character. Remove it.", line=line)
    return content


def checked_isolation(isolation: str | None, language: str) -> str | None:
    """Return how far jobs of a script are kept apart; raises `InvalidJobField`."""
    known = DEPLOYED if language in WARM_LANGUAGES else ("sandbox",)
    if isolation is not None and isolation not in known:
        raise InvalidJobField("isolation", f"{' or '.join(known)} for {language}")
    return isolation


def checked_attempts(attempts_max: int | None) -> int | None:
    """Return how often a job of a script is tried at most; raises `InvalidJobField`."""
    if attempts_max is not None and not 1 <= attempts_max <= attempts_most:
        raise InvalidJobField("attempts_max", f"between 1 and {attempts_most}")
    return attempts_max


def content_hash(content: str) -> str:
    """Return the SHA-256 of a script's content, in hexadecimal digits."""
    return hashlib.sha256(content.encode()).hexdigest()
