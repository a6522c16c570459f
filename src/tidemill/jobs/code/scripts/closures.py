"""Everything that a script imports, and what that imports, by exact content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from tidemill.core.errors import TidemillError
from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.imports import Import, imports_of
from tidemill.jobs.execution.languages.models import Language

modules_max: Final = 100
_ANYWHERE: Final = "a/b/c/d/e/f"

Contents: TypeAlias = Mapping[str, tuple[str, str]]
"""Hash and content of scripts in use, by path."""

Find: TypeAlias = Callable[[Sequence[str]], Contents]


@lru_cache(maxsize=256)
def may_need(language: str, content: str) -> bool:
    """Return whether a script may need anything besides its text; most need nothing."""
    if language == Language.PYTHON and "# /// script" in content:
        return True
    try:
        return bool(imports_of(language, content, _ANYWHERE))
    except TidemillError:
        return True


def closure(
    language: str, content: str, path: str | None, find: Find
) -> dict[str, tuple[str, str]]:
    """Return hash and content of each script that `content` needs, by path.

    `find` returns which of some paths are scripts of this language. Raises `ScriptInvalid` for
    one that is imported relatively and is not there.
    """
    found: dict[str, tuple[str, str]] = {}
    waiting = [(path, content)]
    while waiting:
        own, text = waiting.pop()
        wanted = imports_of(language, text, own)
        known = find(sorted({place for one in wanted for place in one.candidates}))
        for one in wanted:
            place = _meant(one, known)
            if place is None or place in found or place == path:
                continue
            found[place] = known[place]
            waiting.append((place, known[place][1]))
            if len(found) > modules_max:
                raise ScriptInvalid(f"A script imports {modules_max} others at most.")
    return found


def _meant(one: Import, known: Contents) -> str | None:
    place = next((place for place in one.candidates if place in known), None)
    if place is None and not one.optional:
        raise ScriptInvalid(
            f"{one.candidates[-1]} is imported, and there is no such script of this language.",
            line=one.line,
        )
    return place
