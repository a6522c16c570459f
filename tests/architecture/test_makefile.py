"""`make run` installs what running needs, and says so; `make setup` installs the rest."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import ROOT

_FAKE: Final = '#!/bin/sh\necho "$(basename "$0") $*" >> calls\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a copy of the repository's outside, with programs that only write their calls."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "tidemill"):
        (programs / name).write_text(_FAKE)
        (programs / name).chmod(0o755)
    return tmp_path


def _make(clone: Path, target: str) -> tuple[str, list[str]]:
    """Return what `make` prints, and what it calls."""
    calls = clone / "calls"
    calls.write_text("")
    done = subprocess.run(
        ["make", target], cwd=clone, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout, calls.read_text().splitlines()


def test_make_run_installs_what_running_needs_says_so_and_does_it_once(clone: Path) -> None:
    said, calls = _make(clone, "run")
    _, again = _make(clone, "run")

    installed = [call for call in calls if "pip install" in call]
    assert "Installing" in said
    assert installed
    assert not any("-r requirements.lock" in call or " -q" in call for call in installed)
    assert all("-c requirements.lock" in call for call in installed)
    assert calls[-1] == "tidemill up"
    assert again == ["tidemill up"]


def test_make_setup_installs_all_and_leaves_nothing_to_make_run(clone: Path) -> None:
    _make(clone, "run")

    _, calls = _make(clone, "setup")
    _, then = _make(clone, "run")

    assert any("-r requirements.lock" in call for call in calls)
    assert then == ["tidemill up"]
