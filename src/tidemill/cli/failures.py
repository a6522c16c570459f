"""What a command may fail with: one line for people, one exit code for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """How a command ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    AUTH = 3
    NOT_FOUND = 4
    CONFLICT = 5
    UNREACHABLE = 6
    REFUSED = 78
    INTERRUPTED = 130


class CommandFailed(Exception):
    """The command did not do what was asked; `message` is one line that says what to do.

    `errors` has what is wrong with each part of what was given, for programs.
    """

    def __init__(
        self,
        message: str,
        exit_code: int = ExitCode.FAILED,
        *,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = int(exit_code)
        self.code = code
        self.param = param
        self.errors: list[dict[str, Any]] = []


class NotLoggedIn(CommandFailed):
    """There is no usable credential for the server."""

    def __init__(self, url: str, reason: str = "") -> None:
        because = f" ({reason})" if reason else ""
        super().__init__(
            f"You are not logged in to {url}{because}. Run `tidemill login`, "
            "or set TIDEMILL_TOKEN.",
            ExitCode.AUTH,
            code="NOT_LOGGED_IN",
        )


class ServerUnreachable(CommandFailed):
    """Nothing answers at the server's address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"No Tidemill answers at {url} ({reason}). Start one with `tidemill up`, "
            "or name another with --url or TIDEMILL_URL.",
            ExitCode.UNREACHABLE,
            code="SERVER_UNREACHABLE",
        )


_BY_STATUS = {
    401: ExitCode.AUTH,
    403: ExitCode.AUTH,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    412: ExitCode.CONFLICT,
    503: ExitCode.UNREACHABLE,
}


class AnsweredWithError(CommandFailed):
    """The server refused the request and said why."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        body: object = None,
    ) -> None:
        super().__init__(message, _BY_STATUS.get(status, ExitCode.FAILED), code=code, param=param)
        self.status = status
        self.body = body


@contextmanager
def options_named(**options: str) -> Iterator[None]:
    """Name the options of a command where the server's message names fields of its API."""
    try:
        yield
    except AnsweredWithError as error:
        option = options.get(error.param or "")
        if option is not None and error.message.startswith(f"{error.param}:"):
            error.message = option + error.message.removeprefix(str(error.param))
        raise


@contextmanager
def hints(**by_code: str) -> Iterator[None]:
    """Say behind the server's message what does on the command line what it asks for."""
    try:
        yield
    except AnsweredWithError as error:
        if error.code in by_code:
            error.message = f"{error.message} Here: {by_code[error.code]}."
        raise
