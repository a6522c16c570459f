"""What every process of an installation does around its role.

Each role is a module to run: `tidemill.api`, `tidemill.runtime.dispatcher_process` and
`tidemill.runtime.worker_process`, and imports only what it needs, so that a worker stays small.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Final

if "rich" not in sys.modules:
    # structlog would import it for coloured tracebacks, which we do not print: 4 MB and 0.2 s.
    # It is hidden no longer than that: others in this process may need it.
    sys.modules["rich"] = None  # type: ignore[assignment]  # what Python documents
    import structlog  # noqa: F401 - all that follow find it imported

    del sys.modules["rich"]

from tidemill.core.config import Config, ConfigRefused
from tidemill.core.errors import TidemillError, Unavailable
from tidemill.core.store_errors import StoreUnavailable
from tidemill.infrastructure.database.migrations import MigrationFailed
from tidemill.infrastructure.database.owner_lock import DataDirectoryInUse
from tidemill.infrastructure.observability.logs import (
    configure_logging,
    wants_json,
)
from tidemill.runtime.arguments import parse
from tidemill.runtime.supervisor import EXIT_REFUSED
from tidemill.runtime.tracing import start_tracing

_PR_SET_PDEATHSIG: Final = 1


def run_role(role: str, argv: Sequence[str], run: Callable[[Config], int | None]) -> int:
    """Run a role with the options `argv` until it is told to stop; return the exit code.

    A configuration or a data directory that cannot be used is told in one line each, and the
    code says to a supervisor that another start would end the same way.
    """
    die_with_supervisor()
    # Litestar would load it for models that we do not have; a role's process is its own.
    sys.modules.setdefault("pydantic", None)  # type: ignore[arg-type]  # what Python documents
    try:
        config = parse(argv).load()
        if role != "worker":
            # What lies in the data directory is nobody else's business. A worker sets the modes
            # of its files one by one, since jobs run as other users.
            os.umask(0o077)
        as_json = wants_json(config.log.format)
        configure_logging(level=config.log.level, as_json=as_json, role=role)
        start_tracing(role)
        return run(config) or 0
    except ConfigRefused as refused:
        for problem in refused.problems:
            _complain(problem)
        return EXIT_REFUSED
    except (DataDirectoryInUse, MigrationFailed) as error:
        _complain(str(error))
        return EXIT_REFUSED
    except TidemillError as error:
        _complain(error.message)
        if isinstance(error, StoreUnavailable) and error.damaged:
            return EXIT_REFUSED
        if isinstance(error, Unavailable) and role != "worker":
            _complain(
                "`tidemill doctor` with the same options names the setting, and what is there."
            )
        return 1


def die_with_supervisor() -> None:
    """Ask the kernel for SIGTERM when the supervisor that started this process dies."""
    parent = os.environ.get("TIDEMILL_SUPERVISOR_PID")
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # It died before the kernel was asked.
        os.kill(os.getpid(), signal.SIGTERM)


def say(text: str) -> None:
    """Print a line for the person who started the process."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(f"tidemill: {text}\n")
    sys.stderr.flush()
