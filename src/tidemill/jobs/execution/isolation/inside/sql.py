"""Runs SQL: statements that the worker has taken apart, with their parameters bound."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

from .answers import Failed, fail, succeed

Runner = Callable[[dict[str, Any], dict[str, Any]], bytes]
_MODULES: Final = {
    "postgresql": "query_postgres",
    "sqlite": "query_sqlite",
    "duckdb": "query_duckdb",
}
_MESSAGE_CHARS_MAX: Final = 4000


def run(specification: dict[str, Any], result: int) -> NoReturn:
    """Run the statements in one transaction; the rows of the last one are the result."""
    settings = specification["settings"]
    arguments = json.loads(specification["arguments"])
    try:
        resource = _resource(settings, arguments)
        for name, default in settings["defaults"].items():
            arguments.setdefault(name, default)
        answer = _runner(settings["dialect"])(settings | {"resource": resource}, arguments)
    except Failed as failed:
        fail(result, failed.kind, str(failed))
    except MemoryError:
        fail(result, "MemoryLimitExceeded", "The query needs more memory than the job may use.")
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is the job's error
        fail(result, type(error).__name__, str(error)[:_MESSAGE_CHARS_MAX])
    sys.stdout.flush()
    succeed(result, answer)


def _runner(dialect: str) -> Runner:
    import importlib  # noqa: PLC0415 - each dialect brings a driver that others do not need

    module = importlib.import_module(f".{_MODULES[dialect]}", __package__)
    runner: Runner = module.run
    return runner


def _resource(settings: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    found = arguments.get(settings["database"])
    if found is None and settings["dialect"] != "postgresql":
        return {}
    if not isinstance(found, dict):
        raise Failed(
            "ResourceInvalid",
            f"args.{settings['database']} must be the resource of a database, an object.",
        )
    return found


def database_file(settings: dict[str, Any]) -> str:
    """Return the file that the resource names, in the tenant's own directory; memory without."""
    name = settings["resource"].get("path") or ":memory:"
    if name == ":memory:":
        return ":memory:"
    root = os.path.join(settings["files"], "databases")
    path = os.path.normpath(os.path.join(root, str(name)))
    refused = os.path.isabs(str(name)) or "\0" in str(name)
    if refused or not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):
        raise Failed(
            "ResourceInvalid",
            "path must be the relative path of a file, such as reports.db; databases of files lie "
            "in a directory of the tenant.",
        )
    # Whichever user the tenant's next job is, it may go on here; nobody else comes past `files`.
    os.umask(0)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def share(path: str) -> None:
    """Make the file of a database so that the tenant's other jobs can use it too."""
    if path != ":memory:" and not os.path.exists(path):
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o666))
