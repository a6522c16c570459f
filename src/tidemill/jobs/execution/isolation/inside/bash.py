"""Runs a script in bash: arguments as `$1 …` in the declared order, and by name."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import Any, Final, NoReturn

from .place import place

# `name="$1"`, `name=${2:-default}`, `local name="${3}"`: how scripts declare their arguments.
_DECLARED: Final = re.compile(
    r"""^\s*(?:(?:local|export|readonly|declare|typeset)\s+(?:-\w+\s+)*)?"""
    r"""([A-Za-z_]\w*)=["']?\$(?:(\d)|\{(\d+)[^}]*\})""",
    re.MULTILINE,
)
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def run(specification: dict[str, Any], _result: int) -> NoReturn:
    """Replace this process by bash."""
    arguments: dict[str, Any] = json.loads(specification["arguments"])
    texts = {name: _text(value) for name, value in arguments.items()}
    for name, text in texts.items():
        if _NAME.fullmatch(name) and name not in os.environ:
            os.environ[name] = text
    os.environ["BASH_ENV"] = place("client/tidemill.sh")
    os.environ.setdefault("TZ", "UTC")
    with open("script.sh", "w", encoding="utf-8") as file:
        file.write(specification["content"])
    # Python ignores these; programs expect them.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    positional = in_declared_order(specification["content"], texts)
    command = ["bash", "--noprofile", "--norc", "script.sh", *positional]
    os.execvp("bash", command)  # noqa: S606, S607 - the shell that the job's PATH names


def in_declared_order(content: str, texts: dict[str, str]) -> list[str]:
    """Return the arguments by position; by the order of `texts` when none is declared."""
    positions = {int(a or b): name for name, a, b in _DECLARED.findall(content) if int(a or b)}
    if not positions:
        return list(texts.values())
    positional = [
        texts.get(positions.get(number, ""), "") for number in range(1, max(positions) + 1)
    ]
    while positional and not positional[-1]:
        positional.pop()
    return positional


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
