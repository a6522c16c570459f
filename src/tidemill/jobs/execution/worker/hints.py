"""What to do about errors that newcomers meet, and whose cause is certain."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Final

from tidemill.jobs.protocol.messages import Assignment, Isolation

_NO_MODULE: Final = re.compile(r"No module named '([\w.]+)'")
# In a namespace without a network no name resolves and no address has a route.
_NO_NETWORK: Final = re.compile(
    r"Name or service not known|Temporary failure in name resolution|Network is unreachable"
)
_NO_PERMISSION: Final = re.compile(r"Requires net access to ")
_CLOSED: Final = frozenset({Isolation.SANDBOX, Isolation.WARM})
_REACH: Final = "Scripts of http and sql reach other services"


def hint_of(job: Assignment, error: Mapping[str, str]) -> str | None:
    """Return what to do about the error that a script raised, or None."""
    kind, message = error.get("type"), error.get("message", "")
    match job.language:
        case "python" if kind == "ModuleNotFoundError":
            return _packages_hint(job, message)
        case "python" if job.isolation in _CLOSED and _NO_NETWORK.search(message):
            return (
                f"In {job.isolation} a script has no network but the server's API at TIDEMILL_URL. "
                f"{_REACH}; with isolation fork, where a worker offers it, this script would."
            )
        case "typescript" if kind == "NotCapable" and _NO_PERMISSION.match(message):
            return f"TypeScript has no network but the server's API at TIDEMILL_URL. {_REACH}."
    return None


def _packages_hint(job: Assignment, message: str) -> str | None:
    missing = _NO_MODULE.fullmatch(message)
    if missing is None:
        return None
    name = missing[1].partition(".")[0]
    own = {path.partition("/")[0].removesuffix(".py") for path in job.modules}
    if name in own or name in sys.stdlib_module_names:
        return None
    return (
        f"Name the package that has {name} in the script's first lines: "
        f'"# /// script", "# dependencies = [\'{name}\']", "# ///". '
        "Some packages have another name than their module."
    )
