"""Executors of tenants' code: everything happens in the job's own process, behind the walls."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Final

from tidemill.core.errors import TidemillError
from tidemill.jobs.executors.contract import Machine, NotPrepared, Preparation
from tidemill.jobs.isolation.plan import Environment, environment_of
from tidemill.jobs.languages.typescript import parse_typescript
from tidemill.jobs.protocol.messages import Assignment

_DENO_ADDRESS_BYTES: Final = 64 * 1024**3
"""V8 reserves tens of gibibytes of addresses to lay its memory out in."""


class PythonExecutor:
    """Scripts in Python: a fork of a zygote that has Python running."""

    answers = True

    async def prepare(self, job: Assignment, _machine: Machine, /) -> Preparation:
        """See `Executor.prepare`."""
        return Preparation(environment=environment_of(job.content))


class BashExecutor:
    """Scripts in bash: the last line that is not empty is the result."""

    answers = False

    async def prepare(self, _job: Assignment, _machine: Machine, /) -> Preparation:
        """See `Executor.prepare`."""
        return Preparation(merged=False)


class TypeScriptExecutor:
    """Scripts in TypeScript or JavaScript: deno, without any permission but its own directory."""

    answers = True

    async def prepare(self, job: Assignment, _machine: Machine, /) -> Preparation:
        """See `Executor.prepare`."""
        deno = find_deno()
        if deno is None:
            raise NotPrepared(
                "LanguageNotInstalled",
                "This worker has no deno. Install tidemill[typescript], or put deno on its PATH.",
            )
        try:
            script = parse_typescript(job.content)
        except TidemillError as error:
            raise NotPrepared(type(error).__name__, str(error)) from None
        own = deno.startswith(("/usr/", "/bin/"))
        environment = Environment(
            read_only=() if own else (deno,), address_bytes=_DENO_ADDRESS_BYTES
        )
        return Preparation(
            environment=environment,
            settings={
                "deno": deno,
                "parameters": script.parameters,
                "memory_bytes_max": job.memory_bytes_max,
            },
        )


@cache
def find_deno() -> str | None:
    """Return the path of deno: that of its wheel, or the one on the PATH."""
    beside = Path(sys.executable).absolute().with_name("deno")
    if importlib.util.find_spec("deno") is not None and beside.is_file():
        return str(beside)
    found = shutil.which("deno")
    return os.path.realpath(found) if found else None
