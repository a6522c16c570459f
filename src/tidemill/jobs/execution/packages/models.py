"""What a script in Python asks for in its header (PEP 723); no I/O."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.packages.pythons import BadRequirement, Version, meets

dependencies_max: Final = 100
_BLOCK: Final = re.compile(
    r"(?m)^# /// (?P<kind>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"
)
_OPENING: Final = re.compile(r"(?m)^#[ \t]*///[ \t]*script[ \t]*\r?$")
_TOML_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)")
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


def check_python(packages: Packages, version: Version) -> None:
    """Return when scripts, which run with this version, may; raises `ScriptInvalid`."""
    wanted = packages.requires_python
    try:
        fits = meets(wanted, version)
    except BadRequirement as error:
        raise ScriptInvalid(
            f"requires-python: {error} is no version; write such as >=3.11,<4."
        ) from None
    if not fits:
        shown = ".".join(map(str, version))
        raise ScriptInvalid(
            f"requires-python is {wanted}, and scripts run with Python {shown} here. Ask for one "
            "that includes it, or have the operator install another Python."
        )


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


def has_header(content: str) -> bool:
    """Return whether a text begins a header, be that right or wrong."""
    return _OPENING.search(content) is not None


def is_requirement(text: str) -> bool:
    """Return whether a text names one package, perhaps with versions and markers."""
    return _REQUIREMENT.fullmatch(text) is not None


def _header(content: str) -> Packages:
    content = content.replace("\r\n", "\n")
    blocks = [match for match in _BLOCK.finditer(content) if match["kind"] == "script"]
    _check_closed(content)
    if not blocks:
        return NONE
    line = line_at(content, blocks[0].start())
    if len(blocks) > 1:
        raise ScriptInvalid("A script has one header `# /// script`.", line=line)
    text = "".join(
        row[2:] if row.startswith("# ") else row[1:]
        for row in blocks[0]["content"].splitlines(keepends=True)
    )
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # It counts from the header's own first line.
        within = _TOML_LINE.search(str(error))
        raise ScriptInvalid(
            f"The header is no valid TOML: {_TOML_LINE.sub('', str(error))}.",
            line=line + int(within[1]) if within else line,
        ) from None
    dependencies = table.get("dependencies", [])
    python = table.get("requires-python", "")
    if not isinstance(dependencies, list) or not isinstance(python, str):
        raise ScriptInvalid(
            'The header needs dependencies = ["name>=1"], a list of texts.', line=line
        )
    return Packages(dependencies=_checked(dependencies, text, line), requires_python=python)


def _check_closed(content: str) -> None:
    """Raise `ScriptInvalid` for a header that PEP 723 has readers ignore: its packages would lack.

    Such a header lacks its last line, or has a line among its own that does not belong to it.
    """
    closed = [match.span() for match in _BLOCK.finditer(content)]
    for opening in _OPENING.finditer(content):
        if not any(start <= opening.start() < end for start, end in closed):
            raise ScriptInvalid(
                "The header is not closed: it begins with `# /// script`, each further line with "
                "`# `, and its last line is `# ///`.",
                line=line_at(content, opening.start()),
            )


def _checked(dependencies: list[object], text: str, line: int) -> tuple[str, ...]:
    if len(dependencies) > dependencies_max:
        raise ScriptInvalid(f"A script names {dependencies_max} packages at most.", line=line)
    for one in dependencies:
        if not isinstance(one, str) or not is_requirement(one.strip()):
            raise ScriptInvalid(
                f"{one!r} is no package with versions, such as httpx>=0.28; addresses and files "
                "are not taken.",
                line=line + _row_of(one, text),
            )
    return tuple(str(one).strip() for one in dependencies)


def _row_of(dependency: object, text: str) -> int:
    """Return in which row of the header a dependency stands; 0 where it is written otherwise."""
    shown = (f'"{dependency}"', f"'{dependency}'") if isinstance(dependency, str) else ()
    at = next((at for one in shown if (at := text.find(one)) >= 0), None)
    return 0 if at is None else line_at(text, at)


def line_at(text: str, position: int) -> int:
    """Return the number of the line in which a position of a text lies."""
    return text.count("\n", 0, position) + 1
