"""Where the command line keeps what `tidemill login` got: one file that only its owner reads."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from tidemill.cli.failures import CommandFailed, ExitCode

default_url: Final = "http://127.0.0.1:3000"
_FILE_MODE: Final = 0o600


class Login(Struct, frozen=True, kw_only=True):
    """What is known of one server; `expires_at` is in whole seconds since 1970."""

    access_token: str
    refresh_token: str
    expires_at: int
    email: str | None = None


class Credentials(Struct, frozen=True, kw_only=True):
    """Every server that this person has logged in to, by address."""

    current: str | None = None
    logins: dict[str, Login] = {}

    def with_login(self, url: str, login: Login) -> Credentials:
        """Return these with `login` as the current one."""
        return Credentials(current=url, logins={**self.logins, url: login})

    def without(self, url: str) -> Credentials:
        """Return these without the login at `url`."""
        kept = {address: login for address, login in self.logins.items() if address != url}
        current = self.current if self.current != url else None
        return structs.replace(self, current=current, logins=kept)


def path() -> Path:
    """Return the file's place: `$XDG_CONFIG_HOME/tidemill/credentials.json`."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "tidemill" / "credentials.json"


def read() -> Credentials:
    """Return what is stored; nothing when there is no file. Raises `CommandFailed`."""
    try:
        raw = path().read_bytes()
    except FileNotFoundError:
        return Credentials()
    except OSError as error:
        raise _unreadable(str(error.strerror)) from error
    try:
        return msgspec.json.decode(raw, type=Credentials)
    except msgspec.DecodeError as error:
        raise _unreadable("it is not what `tidemill login` writes") from error


@contextmanager
def locked() -> Iterator[None]:
    """Hold the file for a change, so that two commands never spend one refresh token twice."""
    folder = path().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "credentials.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(credentials: Credentials) -> None:
    """Replace the file at once; nobody ever reads half of it, and nobody else reads it."""
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    text = json.dumps(msgspec.to_builtins(credentials), indent=2)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        os.fsync(descriptor)
    temporary.replace(target)


def login_from(
    answer: dict[str, Any], email: str | None, now: float, *, refresh_token: str = ""
) -> Login:
    """Return the login that the server answered with; its refresh token, else the given one."""
    return Login(
        access_token=answer["access_token"],
        refresh_token=answer.get("refresh_token") or refresh_token,
        expires_at=int(now) + int(answer["expires_in"]),
        email=email,
    )


def _unreadable(reason: str) -> CommandFailed:
    return CommandFailed(
        f"{path()} cannot be read: {reason}. Remove it and run `tidemill login`.", ExitCode.AUTH
    )
