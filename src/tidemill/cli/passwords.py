"""Passwords come from a terminal, from standard input or from TIDEMILL_PASSWORD.

Never as words of a command line, which everybody on the machine can read.
"""

from __future__ import annotations

import os
import sys

import typer

from tidemill.cli.failures import CommandFailed, ExitCode


def known_password(*, from_stdin: bool) -> str:
    """Return the password of an account that exists."""
    return _given(from_stdin=from_stdin) or str(typer.prompt("Password", hide_input=True, err=True))


def new_password(*, from_stdin: bool) -> str:
    """Return a password for a new account; a person types it twice."""
    return _given(from_stdin=from_stdin) or str(
        typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    )


def _given(*, from_stdin: bool) -> str | None:
    if from_stdin:
        password = sys.stdin.read().rstrip("\r\n")
        if not password:
            raise CommandFailed("Standard input held no password.", ExitCode.USAGE)
        return password
    given = os.environ.get("TIDEMILL_PASSWORD")
    if given is None and not sys.stdin.isatty():
        raise CommandFailed("Give --password-stdin: nobody is here to ask.", ExitCode.USAGE)
    return given
