"""Packages that a script names where nobody here reads them; no I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.packages.models import has_header, is_requirement, line_at

shown_max: Final = 20
_TITLE: Final = re.compile(r"(?m)^#[ \t]?(?:extra_)?requirements:[ \t]*(?=\r?$)")
_LINE: Final = re.compile(r"\r?\n#[ \t]?(\S[^\r\n]*)")


def check_comments(content: str) -> None:
    """Raise `ScriptInvalid` where only a comment in Windmill's form names the packages of a script.

    A header beside it is what counts, so that one text can serve both.
    """
    titles = _TITLE.finditer(content)
    blocks = [(title.start(), list(_named(content, title.end()))) for title in titles]
    blocks = [(start, names) for start, names in blocks if names]
    if not blocks or has_header(content):
        return
    names = list(dict.fromkeys(name for _, found in blocks for name in found))
    shown = json.dumps(names[:shown_max])
    more = "" if len(names) <= shown_max else " with all the others"
    raise ScriptInvalid(
        "`# requirements:` is Windmill's form, and is not read here. Name the packages in the "
        "script's first lines as PEP 723 has it: `# /// script`, "
        f"`# dependencies = {shown}`{more}, `# ///`.",
        line=line_at(content, blocks[0][0]),
    )


def _named(content: str, start: int) -> Iterator[str]:
    """Give the packages that the lines after a title name, up to the first that names none."""
    while (found := _LINE.match(content, start)) is not None:
        name = found[1].strip()
        if not is_requirement(name):
            return
        yield name
        start = found.end()
