"""Files of rows: JSON Lines below the directory of a tenant. Everything here blocks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from msgspec import Struct

from tidemill.core.ids import tenant_id
from tidemill.jobs.context_errors import RowTooLarge

line_bytes_max: Final = 8 * 1024 * 1024
page_bytes_max: Final = 16 * 1024 * 1024


class Row(Struct, frozen=True):
    """One row as JSON, and where the next one begins."""

    json: bytes
    next_offset: int


class RowFiles:
    """Reads what executors wrote below `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, tenant: str, name: str, offset: int, limit: int) -> list[Row] | None:
        """Return up to `limit` rows from `offset` on; None when there is no such file.

        Raises `RowTooLarge`.
        """
        path = self._directory / tenant_id(tenant) / "results" / name
        try:
            # A job without walls could have put a link there.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            file.seek(offset)
            rows: list[Row] = []
            taken = 0
            while len(rows) < limit and taken < page_bytes_max:
                line = file.readline(line_bytes_max)
                if len(line) == line_bytes_max and not line.endswith(b"\n"):
                    raise RowTooLarge(offset + taken, line_bytes_max)
                if not line.endswith(b"\n"):
                    break
                taken += len(line)
                rows.append(Row(line[:-1], offset + taken))
            return rows
