"""The import contracts of `pyproject.toml` catch what they are meant to catch.

Wrong imports are written into a copy of the package, and each must be reported by the contract
that forbids it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import ROOT, SRC

LINT_IMPORTS: Final = Path(sys.executable).with_name("lint-imports")
DOWN: Final = "Dependencies point down"
ADAPTERS: Final = "Only the runtime picks adapters"
FEATURES: Final = "Features meet at their contracts: identity"
REPOSITORIES: Final = "Only services touch repositories"
PURE: Final = "Models are pure"
CYCLES: Final = "No cycles, at any depth"

# (contract, importing module, statement, what the report must name)
VIOLATIONS: Final = (
    (DOWN, "core/ids.py", "import tidemill.http", "tidemill.core is not allowed to import"),
    (DOWN, "board/errors.py", "import tidemill.jobs", "tidemill.board is not allowed to import"),
    (
        ADAPTERS,
        "board/projects/service.py",
        "import tidemill.infrastructure.database",
        "tidemill.board.projects.service",
    ),
    (
        FEATURES,
        "board/projects/service.py",
        "import tidemill.identity.users.repository",
        "tidemill.board.projects.service",
    ),
    (
        FEATURES,
        "board/work_items/service.py",
        "import tidemill.identity.tokens.service",
        "tidemill.board.work_items.service",
    ),
    (
        REPOSITORIES,
        "board/work_items/routes.py",
        "import tidemill.board.work_items.repository",
        "tidemill.board.work_items.routes",
    ),
    (PURE, "board/work_items/models.py", "import aiohttp", "tidemill.board.work_items.models"),
    (PURE, "core/facts.py", "def f():\n    import asyncpg", "tidemill.core.facts"),
    (
        CYCLES,
        "board/activities/models.py",
        "import tidemill.board.work_items.models\nimport tidemill.board.projects.models",
        "tidemill.board",
    ),
    (
        CYCLES,
        "board/projects/models.py",
        "import tidemill.board.activities.models",
        "tidemill.board",
    ),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("contracts")
    shutil.copytree(SRC, root / "src" / "tidemill", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.fixture(scope="module")
def report(copy: Path) -> dict[str, str]:
    """Return what was said of each broken contract."""
    for _, module, statement, _ in VIOLATIONS:
        file = copy / "src" / "tidemill" / module
        file.write_text(f"{file.read_text()}\n{statement}\n")
    text = _lint(copy)
    sections = re.split(r"\n([^\n]+)\n-{5,}\n", text.partition("Broken contracts")[2])
    return dict(zip(sections[1::2], sections[2::2], strict=True))


@pytest.mark.parametrize(("contract", "module", "statement", "named"), VIOLATIONS)
def test_contract_reports_a_wrong_import(
    report: dict[str, str], contract: str, module: str, statement: str, named: str
) -> None:
    assert contract in report, f"nobody minded {statement!r} in {module}"
    said = " ".join(report[contract].split())
    assert named in said, said


def test_layers_refuse_a_package_that_no_layer_names(tmp_path: Path, copy: Path) -> None:
    shutil.copytree(copy, tmp_path / "copy")
    package = tmp_path / "copy" / "src" / "tidemill" / "extras"
    package.mkdir()
    (package / "__init__.py").touch()

    assert "extras" in _lint(tmp_path / "copy")


def test_every_feature_has_its_contract() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    features = {contract.parent.name for contract in SRC.glob("*/contract.py")}

    missing = {name for name in features if f"meet at their contracts: {name}" not in text}

    assert missing == set()


def _lint(root: Path) -> str:
    done = subprocess.run(
        [str(LINT_IMPORTS), "--no-cache", "--no-logo"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode != 0, "all contracts were kept"
    return done.stdout
