"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many to show at most.")]
All = Annotated[bool, typer.Option("--all", help="Show all, however many.")]


def limit_of(limit: int, all_: bool) -> int | None:
    """Return how many to read; None means all."""
    return None if all_ else limit
