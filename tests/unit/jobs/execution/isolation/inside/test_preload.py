from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tidemill.jobs.execution.isolation import zygote

_TRY = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from inside.preload import preload, thread_count
left = preload(["quiet_module", "threaded_module", "broken_module"], wide=False)
print(left, "quiet_module" in sys.modules, "threaded_module" in sys.modules, thread_count())
"""


def test_preload_leaves_modules_with_threads_to_the_jobs(tmp_path: Path) -> None:
    """A zygote has one thread, whatever it is asked to import."""
    (tmp_path / "quiet_module.py").write_text("x = 1")
    (tmp_path / "broken_module.py").write_text("1 / 0")
    (tmp_path / "threaded_module.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=[9], daemon=True).start()"
    )
    inside = str(Path(zygote.__file__).parent)

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _TRY, inside, str(tmp_path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip() == "['threaded_module', 'broken_module'] True False 1"
