from __future__ import annotations

import re
from pathlib import Path

from tidemill.cli.failures import ExitCode

GUIDE = Path("docs/guide/quick-start.md")


def test_exit_codes_are_all_in_the_guide() -> None:
    told = {int(code) for code in re.findall(r"(?m)^\| (\d+) \| ", GUIDE.read_text())}

    assert told == set(ExitCode)
