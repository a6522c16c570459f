"""Which other scripts a script imports, by its text alone."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.models import Language
from tidemill.jobs.execution.languages.typescript import parse_typescript

_IMPORT: Final = re.compile(r"^\s*(?:from|import)\s", re.MULTILINE)
_ENDINGS: Final = (".ts", ".js", ".tsx", ".mts")
_OURS: Final = frozenset({"tidemill"})


class Import(Struct, frozen=True):
    """One import: the paths that it may mean, the likelier first.

    An optional one may be a package instead.
    """

    candidates: tuple[str, ...]
    optional: bool
    line: int = 1


def imports_of(language: str, content: str, path: str | None) -> list[Import]:
    """Return what `content`, deployed at `path`, imports; raises `ScriptInvalid`."""
    if language == Language.PYTHON and _IMPORT.search(content):
        return list(_of_python(content, path))
    if language == Language.TYPESCRIPT and "import" in content:
        return list(_of_typescript(content, path))
    return []


def _of_python(content: str, path: str | None) -> Iterator[Import]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(content)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _absolute(alias.name, (), node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from _absolute(node.module or "", [a.name for a in node.names], node.lineno)
        elif isinstance(node, ast.ImportFrom):
            yield from _relative(node, path)


def _absolute(module: str, names: list[str] | tuple[str, ...], line: int) -> Iterator[Import]:
    first = module.partition(".")[0]
    if first in sys.stdlib_module_names or first in _OURS:
        return
    base = module.replace(".", "/")
    if not names:
        yield Import((base,), True, line)
    for name in names:
        yield Import((f"{base}/{name}", base), True, line)


def _relative(node: ast.ImportFrom, path: str | None) -> Iterator[Import]:
    folder = _folder(path, node.lineno)
    for _ in range(node.level - 1):
        if not folder:
            raise ScriptInvalid("The import leads above the root of scripts.", line=node.lineno)
        folder = posixpath.dirname(folder)
    base = posixpath.join(folder, (node.module or "").replace(".", "/")).rstrip("/")
    for alias in node.names:
        inner = posixpath.join(base, alias.name)
        yield Import((inner, base) if node.module else (inner,), False, node.lineno)


def _of_typescript(content: str, path: str | None) -> Iterator[Import]:
    for wanted in parse_typescript(content).imports:
        place = posixpath.normpath(posixpath.join(_folder(path, 1), wanted))
        if place.startswith(".."):
            raise ScriptInvalid(f"{wanted} leads above the root of scripts.")
        ending = next((end for end in _ENDINGS if place.endswith(end)), "")
        if not ending:
            raise ScriptInvalid(f"{wanted} needs its ending, as deno wants it: {wanted}.ts")
        yield Import((place.removesuffix(ending),), False)


def _folder(path: str | None, line: int) -> str:
    if path is None:
        raise ScriptInvalid(
            "Code in place has no path that './…' could start from. Deploy it, or name the other "
            "script by its whole path.",
            line=line,
        )
    return posixpath.dirname(path)
