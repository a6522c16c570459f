"""The catalogue of errors, as a page of the documentation."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Final

from tidemill.core.errors import TidemillError, every_error

_HEAD: Final = """\
# Errors

<!-- Made from the code by `python -m tidemill.api.documents`; do not edit. -->

Every answer that is not a success has this body:

```json
{"error": {"message": "…", "type": "…", "code": "…", "param": "…"}}
```

`code` is stable and made for programs; this page lists every one. `message` is for people and
says what to do; it may change. `type` groups codes, and `param` names the field at fault, or is
null. The header `x-request-id` is the number to quote: the log has the rest under it.
"""


def errors_page() -> str:
    """Return the page of every error that is declared in what has been imported."""
    return "\n".join([_HEAD, *_statuses(declared_errors())])


def declared_errors() -> Sequence[type[TidemillError]]:
    """Return one class for each code, by status and code."""
    found: dict[str, type[TidemillError]] = {}
    everything: Sequence[type[TidemillError]] = (TidemillError, *every_error())
    for error in everything:
        if error.__module__.startswith("tidemill.") and _is_public(error):
            found[error.code] = error
    return sorted(found.values(), key=lambda error: (error.status, error.code))


def _is_public(error: type[TidemillError]) -> bool:
    return "code" in vars(error) and not error.__name__.startswith("_")


def _statuses(errors: Sequence[type[TidemillError]]) -> Iterator[str]:
    for status in sorted({error.status for error in errors}):
        yield f"## {status} {HTTPStatus(status).phrase}\n"
        for error in errors:
            if error.status == status:
                yield from _entry(error)


def _entry(error: type[TidemillError]) -> Iterator[str]:
    yield f"### {error.code}\n"
    # `__doc__` is not inherited by getdoc's rules here: each class describes itself.
    yield f"{inspect.cleandoc(error.__doc__ or '')}\n"
    yield f"Type `{error.type}`, raised by `{_part(error)}`.\n"


def _part(error: type[TidemillError]) -> str:
    words = error.__module__.split(".")
    return ".".join(words[1:3]) if words[1] in {"core", "infrastructure"} else words[1]
