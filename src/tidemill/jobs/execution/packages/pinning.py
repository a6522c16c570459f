"""Pins the packages of scripts as they are deployed; refuses what cannot be had."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tidemill.jobs.errors import PackagesNotResolved
from tidemill.jobs.execution.languages.models import Language
from tidemill.jobs.execution.packages.locking import lock_packages
from tidemill.jobs.execution.packages.models import check_python, packages_of
from tidemill.jobs.execution.packages.uv import PackageSource, UvFailed, UvMissing

_REASON_CHARS_MAX: Final = 2000


def pin_by(source: PackageSource) -> Callable[[str, Sequence[str]], Awaitable[str]]:
    """Return what gives the lock of a script's contents, from `source`."""

    async def pin(language: str, contents: Sequence[str]) -> str:
        if language != Language.PYTHON:
            return ""
        packages = packages_of(contents)
        check_python(packages, sys.version_info[:3])
        try:
            return await lock_packages(packages, source)
        except UvMissing:
            reason = "they need uv, which is not here. Install tidemill[packages]."
        except UvFailed as failed:
            reason = str(failed)
        raise PackagesNotResolved(reason[:_REASON_CHARS_MAX])

    return pin
