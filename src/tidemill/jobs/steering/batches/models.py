"""What is wrong with a batch; no I/O."""

from __future__ import annotations

from typing import Final

from tidemill.core.errors import TidemillError
from tidemill.jobs.control_errors import ItemError

batch_jobs_max: Final = 1_000


def item_error(index: int, error: TidemillError) -> ItemError:
    """Return what is wrong with the job at `index`."""
    return ItemError(index=index, code=error.code, message=error.message, param=error.param)
