"""A program with a function that does nothing."""

import tidemill


@tidemill.job
async def noop() -> None:
    """Do nothing."""
