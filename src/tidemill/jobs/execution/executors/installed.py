"""What of the languages of scripts is installed on this machine."""

from __future__ import annotations

import importlib.util

from tidemill.jobs.execution.executors.scripts import find_deno
from tidemill.jobs.execution.languages.container import engine
from tidemill.jobs.execution.packages.uv import find_uv


def missing_languages() -> dict[str, str]:
    """Return what cannot run here, and what would change that."""
    wanted = {
        "typescript": (
            find_deno() is not None and _has("tree_sitter") and _has("tree_sitter_typescript"),
            "pip install 'tidemill[typescript]'",
        ),
        "sql on duckdb": (_has("duckdb"), "pip install 'tidemill[duckdb]'"),
        "packages of python": (find_uv() is not None, "pip install 'tidemill[packages]'"),
        "container": (engine() is not None, "install podman or docker"),
    }
    return {name: fix for name, (here, fix) in wanted.items() if not here}


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
