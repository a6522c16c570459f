"""Files of `NAME=value` lines, as `--env-file` takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tidemill.core.config import ConfigRefused
from tidemill.runtime.configuration.variables import Variable

_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE: Final = re.compile(r"'([^']*)'\s*(?:#.*)?")
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


def read_env_file(path: Path) -> Sequence[Variable]:
    """Return the variables of a file; raises `ConfigRefused` with file and line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigRefused([f"{path} cannot be read: {reason}."]) from error
    problems: list[str] = []
    # The last line that sets a variable wins, as in a shell.
    variables = {variable.name: variable for variable in _parsed(text, str(path), problems)}
    if problems:
        raise ConfigRefused(problems)
    return tuple(variables.values())


def _parsed(text: str, path: str, problems: list[str]) -> Iterator[Variable]:
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        value = _value(match[2]) if match else None
        if match is None or value is None:
            problems.append(f"{path}:{number}: this line is not NAME=value.")
        else:
            yield Variable(name=match[1], text=value, file=path, line=number)


def _value(text: str) -> str | None:
    """Return the value without quotes and comments, or None when a quote stays open."""
    if text.startswith('"'):
        match = _DOUBLE.fullmatch(text)
        if match is None:
            return None
        return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), match[1])
    if text.startswith("'"):
        match = _SINGLE.fullmatch(text)
        return match[1] if match else None
    return re.split(r"\s#", text, maxsplit=1)[0].strip()
