"""Waiting for what a keeper does by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

wait_seconds_max = 60.0


async def until(condition: Callable[[], object]) -> None:
    """Return when `condition` holds; fail when it does not in time."""
    async with asyncio.timeout(wait_seconds_max):
        while not condition():  # noqa: ASYNC110 - a keeper tells nobody of what it keeps
            await asyncio.sleep(0.005)
