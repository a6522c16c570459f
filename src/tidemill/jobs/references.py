"""References in values: `$var:PATH` stands for a variable, `$res:PATH` for a resource; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

VARIABLE: Final = "$var:"
RESOURCE: Final = "$res:"
_ASKS: Final = re.compile(r"tidemill|\$var:|\$res:", re.IGNORECASE)


def is_reference(value: object) -> bool:
    """Return whether `value` stands for another one."""
    return isinstance(value, str) and value.startswith((VARIABLE, RESOURCE))


def references_in(value: Any) -> Iterator[str]:
    """Yield the references in `value`, which is plain data, each as often as it is there."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if is_reference(one):
            yield one
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def may_ask(text: str) -> bool:
    """Return whether code may read what belongs to whoever runs it.

    All ways there have one of these words: the client, its variables of the environment, and
    references as default values.
    """
    return _ASKS.search(text) is not None


def may_refer(text: str) -> bool:
    """Return whether JSON may hold a reference; quick, for all that hold none."""
    return f'"{VARIABLE}' in text or f'"{RESOURCE}' in text
