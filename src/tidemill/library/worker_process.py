"""`python -m tidemill.library.worker_process --app PACKAGE.MODULE …`: runs a program's jobs."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from tidemill.core.config import Config
from tidemill.jobs.code.functions.registry import REGISTRY, ProgramNotLoaded, load_program
from tidemill.jobs.code.functions.running import Functions
from tidemill.jobs.code.functions.signatures import SignatureUnusable
from tidemill.jobs.execution.worker.memory import begin_anew
from tidemill.library.app import VARIABLE, Tidemill
from tidemill.library.errors import NoDatabase
from tidemill.runtime.collecting import spare_collections
from tidemill.runtime.queue import DatabaseUnusable, QueueOptions, work_queue
from tidemill.runtime.roles import run_role, say
from tidemill.runtime.supervisor import EXIT_REFUSED

_APP: Final = "--app"


def main(argv: Sequence[str]) -> int:
    """Run the worker of the program that `--app` names; return the exit code."""
    words = list(argv)
    target = ""
    if _APP in words:
        place = words.index(_APP)
        target = words[place + 1] if place + 1 < len(words) else ""
        del words[place : place + 2]
    # In the server's configuration the key means PostgreSQL alone; here SQLite has a URL, too.
    database = os.environ.pop(VARIABLE, None)
    code = run_role("worker", words, partial(_run, target, database))
    if any(not thread.daemon for thread in threading.enumerate()[1:]):
        # A function that never returned must not keep the process; its job has ended without it.
        sys.stdout.flush()
        os._exit(code)
    return code


def _run(target: str, database: str | None, config: Config) -> int:
    if database or config.database.url:
        os.environ[VARIABLE] = database or config.database.url
    try:
        app = app_of(load_program(target))
        place = app.place
    except (ProgramNotLoaded, NoDatabase, DatabaseUnusable) as error:
        sys.stderr.write(f"tidemill: {error}\n")
        return EXIT_REFUSED
    declared = REGISTRY.all()
    if not declared:
        sys.stderr.write(f"tidemill: {target} declares no @tidemill.job, so nothing could run.\n")
        return EXIT_REFUSED
    functions = Functions(declared, threads_max=config.worker.threads_max)
    try:
        functions.registered()
    except SignatureUnusable as error:
        sys.stderr.write(f"tidemill: {error}\n")
        return EXIT_REFUSED
    options = QueueOptions(
        slots=config.worker.functions_max,
        tags=config.worker.tags,
        outboxes=app.outboxes,
        own_memory_mib_max=config.worker.memory_mib_max,
    )

    def ready(name: str) -> None:
        spare_collections()
        names = ", ".join(sorted(declared))
        noun = "function" if len(declared) == 1 else "functions"
        say(f"Worker {name} runs {len(declared)} {noun} of {target}: {names}")

    if asyncio.run(work_queue(place, functions, options, config, ready=ready)):
        begin_anew()
    return 0


def app_of(program: Any) -> Tidemill:
    """Return the queue of a program: the module's own, else the one that was made first."""
    if isinstance(program, Tidemill):
        return program
    made = [value for value in vars(program).values() if isinstance(value, Tidemill)]
    return made[0] if len(made) == 1 else Tidemill.own()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
