"""The project's own files, as the architecture tests look at them."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import tidemill

ROOT: Final = Path(__file__).resolve().parents[2]
SRC: Final = ROOT / "src" / "tidemill"
GENERATED: Final = SRC / "events" / "wire" / "v1"

# Programs that run inside a job's sandbox: they start without Tidemill around them.
_NOT_IMPORTED: Final = ("tidemill.jobs.execution.isolation.inside",)


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below the folders, generated code left out."""
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return [file for file in found if GENERATED not in file.parents]


def project_files() -> list[Path]:
    """Return every file of the project that git knows, or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    names = [name for name in listed.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@cache
def tree_of(file: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of the file."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def relative(file: Path) -> str:
    """Return the file's path from the root of the project."""
    return file.relative_to(ROOT).as_posix()


@cache
def import_everything() -> None:
    """Import each module of the package, so that every subclass is known."""
    for module in pkgutil.walk_packages(tidemill.__path__, "tidemill."):
        if module.name.startswith(_NOT_IMPORTED) or module.name.endswith("__main__"):
            continue
        importlib.import_module(module.name)
