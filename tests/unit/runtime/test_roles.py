from __future__ import annotations

import subprocess
import sys


def test_roles_leave_out_what_they_do_not_need_without_keeping_it_from_others() -> None:
    script = (
        "import sys, tidemill.runtime.roles\n"
        "assert 'structlog' in sys.modules and 'rich' not in sys.modules\n"
        "import rich.console, pydantic"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
