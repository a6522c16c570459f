"""Options that several commands share."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tidemill.cli.failures import CommandFailed, ExitCode

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many to show at most.")]
All = Annotated[bool, typer.Option("--all", help="Show all, however many.")]
Requires = Annotated[
    str | None, typer.Option(help="What its worker must have, as JSON: cpu, memory_mib, labels.")
]
Attempts = Annotated[int | None, typer.Option(help="How often it is tried before it has failed.")]
AffinityKey = Annotated[
    str | None, typer.Option(help="Jobs with the same key go to the same worker.")
]


def limit_of(limit: int, all_: bool) -> int | None:
    """Return how many to read; None means all."""
    return None if all_ else limit


def requirements_of(text: str | None) -> Any:
    """Return the requirements that `--requires` gives."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandFailed(f"--requires must be JSON ({error}).", ExitCode.USAGE) from error
