"""The guide to limits does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from tests.architecture.sources import ROOT
from tidemill.jobs.limits.models import check_limits, limits_of

GUIDE: Final = ROOT / "docs" / "guide" / "limits.md"
BLOCK: Final = re.compile(r"```(?:python|text|json) title=\"([^\"]+)\"\n(.*?)```", re.DOTALL)
BLOCKS: Final = dict(BLOCK.findall(GUIDE.read_text(encoding="utf-8")))


def test_limits_of_the_guide_are_limits() -> None:
    limits = limits_of(BLOCKS["limits"])

    check_limits(limits)
    assert limits.to_json() is not None
    assert msgspec.json.decode(BLOCKS["limits"]).keys() <= set(limits.__struct_fields__)


def test_limits_of_the_guide_print_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "limits.py").write_text(BLOCKS["limits.py"], encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "limits.py"], cwd=tmp_path, check=False, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip

    told = [line for line in done.stdout.splitlines() if "[info" not in line]
    assert done.returncode == 0, done.stderr
    assert "\n".join(told) + "\n" == BLOCKS["limits.py prints"]
