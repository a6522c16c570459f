from __future__ import annotations

import subprocess
import sys


def test_dispatcher_process_imports_nothing_for_terminals() -> None:
    program = (
        "import sys, tidemill.runtime.dispatcher_process\n"
        "print([name for name in ('rich', 'typer') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert done.stdout == "[]\n"
