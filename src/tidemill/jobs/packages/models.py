"""What a script in Python asks for in its header (PEP 723); no I/O."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from tidemill.jobs.errors import ScriptInvalid

dependencies_max: Final = 100
_BLOCK: Final = re.compile(
    r"(?m)^# /// (?P<kind>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"
)
# Names with versions and markers. An option or an address on such a line would be obeyed by the
# installer, so nothing else comes through.
_REQUIREMENT: Final = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\s*\[[A-Za-z0-9._,\s-]+\])?"
    r"\s*\(?\s*(?:(?:===|[<>=!~]=|[<>])\s*[A-Za-z0-9.*+!_-]+\s*,?\s*)*\)?"
    r"(?:\s*;[A-Za-z0-9_.<>=!~'\"\s()]+)?"
)


class Packages(Struct, frozen=True, kw_only=True):
    """The dependencies of a script, and of what it imports."""

    dependencies: tuple[str, ...] = ()
    requires_python: str = ""

    @property
    def digest(self) -> str:
        """Return what tells one set from another."""
        return hashlib.sha256(
            "\n".join((*self.dependencies, self.requires_python)).encode()
        ).hexdigest()


NONE: Final = Packages()


def packages_of(contents: Iterable[str]) -> Packages:
    """Return what the headers of `contents` ask for together; raises `ScriptInvalid`."""
    wanted: dict[str, None] = {}
    pythons: list[str] = []
    for content in contents:
        found = _header(content)
        wanted |= dict.fromkeys(found.dependencies)
        if found.requires_python:
            pythons.append(found.requires_python)
    return Packages(dependencies=tuple(sorted(wanted)), requires_python=",".join(pythons))


def _header(content: str) -> Packages:
    blocks = [match for match in _BLOCK.finditer(content) if match["kind"] == "script"]
    if not blocks:
        return NONE
    line = content.count("\n", 0, blocks[0].start()) + 1
    if len(blocks) > 1:
        raise ScriptInvalid("A script has one header `# /// script`.", line=line)
    text = "".join(
        row[2:] if row.startswith("# ") else row[1:]
        for row in blocks[0]["content"].splitlines(keepends=True)
    )
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScriptInvalid(f"The header is no valid TOML: {error}.", line=line) from None
    dependencies = table.get("dependencies", [])
    python = table.get("requires-python", "")
    if not isinstance(dependencies, list) or not isinstance(python, str):
        raise ScriptInvalid(
            'The header needs dependencies = ["name>=1"], a list of texts.', line=line
        )
    return Packages(dependencies=_checked(dependencies, line), requires_python=python)


def _checked(dependencies: list[object], line: int) -> tuple[str, ...]:
    if len(dependencies) > dependencies_max:
        raise ScriptInvalid(f"A script names {dependencies_max} packages at most.", line=line)
    for one in dependencies:
        if not isinstance(one, str) or not _REQUIREMENT.fullmatch(one.strip()):
            raise ScriptInvalid(
                f"{one!r} is no package with versions, such as httpx>=0.28; addresses and files "
                "are not taken.",
                line=line,
            )
    return tuple(str(one).strip() for one in dependencies)
