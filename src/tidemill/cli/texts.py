"""Texts that commands read from files."""

from __future__ import annotations

from typing import Final

from tidemill.cli.failures import CommandFailed, ExitCode

_STANDARD: Final = "-"


def text_of(given: str | None) -> str | None:
    """Return the text, or what the file after an @ holds."""
    return read_text(given[1:]) if given is not None and given.startswith("@") else given


def read_text(file: str) -> str:
    """Return what a file holds, or standard input for `-`."""
    try:
        with open(0 if file == _STANDARD else file, encoding="utf-8") as text:  # noqa: PTH123 - 0 is stdin
            return text.read()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{file} is no text in UTF-8.", ExitCode.USAGE) from error
