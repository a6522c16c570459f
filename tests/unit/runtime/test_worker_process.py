from __future__ import annotations

import subprocess
import sys

# What other roles need, and what would make each worker of a machine larger.
OF_OTHERS = (
    "aio_pika", "aiohttp", "asyncpg", "cryptography", "google", "litestar", "nats", "opentelemetry",
    "pydantic", "redis", "rich", "sqlite3", "typer", "uvicorn", "uvloop", "websockets",
)  # fmt: skip


def test_worker_process_is_small_since_it_imports_nothing_that_only_others_need() -> None:
    program = (
        "import sys, tidemill.runtime.worker_process\n"
        f"print([name for name in {OF_OTHERS!r} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert done.stdout == "[]\n"
