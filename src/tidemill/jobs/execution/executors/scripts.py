"""Executors of tenants' code: everything happens in the job's own process, behind the walls."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import structs

from tidemill.core.errors import TidemillError
from tidemill.jobs.execution.executors.contract import Machine, NotPrepared, Preparation, seen_at
from tidemill.jobs.execution.isolation.plan import Environment, environment_of
from tidemill.jobs.execution.languages.typescript import parse_typescript
from tidemill.jobs.execution.packages.building import built
from tidemill.jobs.execution.packages.locking import lock_packages
from tidemill.jobs.execution.packages.models import check_python, packages_of
from tidemill.jobs.execution.packages.uv import PackageSource, UvFailed, UvMissing
from tidemill.jobs.protocol.messages import Assignment

_PACKAGES: Final = "/opt/tidemill/packages"
_DENO: Final = "/opt/tidemill/deno"
_DENO_ADDRESS_BYTES: Final = 64 * 1024**3
"""V8 reserves tens of gibibytes of addresses to lay its memory out in."""


class PythonExecutor:
    """Scripts in Python: a fork of a zygote that has Python running."""

    answers = True

    def prepare(
        self, job: Assignment, machine: Machine, /
    ) -> Preparation | Coroutine[None, None, Preparation]:
        """See `Executor.prepare`."""
        environment = environment_of(job.content)
        if job.lock or "# /// script" in job.content:
            return self._with_packages(job, machine.packages, environment)
        return Preparation(environment=environment)

    async def _with_packages(
        self, job: Assignment, source: PackageSource, environment: Environment
    ) -> Preparation:
        try:
            lock = job.lock
            if not lock:
                # Code in place was never deployed, so nobody has pinned its packages.
                packages = packages_of([job.content])
                check_python(packages, sys.version_info[:3])
                lock = await lock_packages(packages, source)
            if not lock:
                return Preparation(environment=environment)
            host = str(await built(lock, source))
        except UvMissing:
            raise NotPrepared(
                "PackagesNotInstalled",
                "This worker has no uv. Install tidemill[packages], or put uv on its PATH.",
            ) from None
        except (UvFailed, TidemillError) as error:
            raise NotPrepared("PackagesNotInstalled", str(error)) from None
        environment = structs.replace(environment, read_only=((host, _PACKAGES),))
        place = seen_at(job, host, _PACKAGES)
        return Preparation(environment=environment, settings={"path": [place]})


class BashExecutor:
    """Scripts in bash: the last line that is not empty is the result."""

    answers = False

    def prepare(self, _job: Assignment, _machine: Machine, /) -> Preparation:
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
        environment = Environment(read_only=((deno, _DENO),), address_bytes=_DENO_ADDRESS_BYTES)
        return Preparation(
            environment=environment,
            settings={
                "deno": seen_at(job, deno, _DENO),
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
