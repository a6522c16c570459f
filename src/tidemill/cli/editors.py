"""Lets people change a text in their own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tidemill.cli.failures import CommandFailed, ExitCode

_usual_editor: Final = "vi"


class EditedFile:
    """A file of one's own that an editor is opened on; it stays until it is removed."""

    def __init__(self, name: str) -> None:
        self._editor = _editor()
        descriptor, path = tempfile.mkstemp(prefix=f"tidemill-{name}-", suffix=".md")
        os.close(descriptor)
        self.path = Path(path)

    def edited(self, text: str) -> str:
        """Return what somebody made of `text`; raises `CommandFailed`."""
        self.path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*self._editor, str(self.path)], check=False)  # noqa: S603 - the editor of whoever runs this
        except OSError as error:
            told = f"{self._editor[0]} cannot be started: {error.strerror}. Set EDITOR."
            raise CommandFailed(told, ExitCode.USAGE) from error
        if done.returncode != 0:
            raise CommandFailed(f"{self._editor[0]} ended with code {done.returncode}.")
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandFailed(f"What was written is no text in UTF-8 ({error}).") from error

    def holds(self, text: str) -> bool:
        """Return whether the file holds `text` and no more."""
        try:
            return self.path.read_bytes() == text.encode()
        except OSError:
            return False

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def _editor() -> list[str]:
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if chosen:
        return shlex.split(chosen)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandFailed(
            "An editor needs a terminal. Set EDITOR to a program that writes the file, or use "
            "`tidemill items update`.",
            ExitCode.USAGE,
        )
    return [_usual_editor]
