"""`tests/unit` mirrors `src/tidemill`: whoever reads a module finds its tests, and back."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.sources import ROOT, SRC, relative

UNIT = ROOT / "tests" / "unit"


def test_unit_tests_mirror_modules() -> None:
    """`a/b/test_c.py` tests `a/b/c.py` or the package `a/b/c`; `test_c_aspect.py` one side."""
    strays = [relative(file) for file in sorted(UNIT.rglob("test_*.py")) if not _mirrored(file)]

    assert strays == [], "name each after the module that it tests"


def _mirrored(file: Path) -> bool:
    folder = SRC / file.parent.relative_to(UNIT)
    words = file.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(len(words), 0, -1)]

    return any((folder / f"{name}.py").exists() or (folder / name).is_dir() for name in names)
