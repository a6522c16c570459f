"""Other scripts as modules: `f/tides/read` is `f.tides.read`, out of memory and never changed."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import linecache
import sys
from collections.abc import Sequence
from types import ModuleType


def offer(texts: dict[str, str]) -> None:
    """Let scripts be imported, by their path."""
    sys.meta_path.insert(0, _Finder(texts))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = {path.replace("/", "."): text for path, text in texts.items()}
        self._packages = {
            name[:at] for name in self._texts for at in range(len(name)) if name[at] == "."
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a script, or of a folder of scripts."""
        del path, target
        if fullname not in self._texts and fullname not in self._packages:
            return None
        return importlib.machinery.ModuleSpec(
            fullname, self, is_package=fullname in self._packages, origin=_file(fullname)
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run a script in its module; a folder has nothing to run."""
        name = module.__name__
        text = self._texts.get(name)
        if text is None:
            return
        file = module.__file__ = _file(name)
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the job


def _file(name: str) -> str:
    return f"{name.replace('.', '/')}.py"
