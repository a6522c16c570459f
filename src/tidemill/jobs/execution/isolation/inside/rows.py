"""The rows of a query on their way out: the first of them as the result, all of them in a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, Final

from .answers import Failed, encoded, plain

_LINE_BYTES_MAX: Final = 8 * 1024 * 1024
"""What readers of the file take for a row at most, with its line feed."""


class Rows:
    """Takes rows one by one, in little memory whatever their number.

    As long as they fit, they are the result. Beyond that they go to a file as JSON Lines, all of
    them, and the result says so (`truncated`) and where.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._rows_max: int = settings["rows_max"]
        self._bytes_max: int = settings["result_bytes_max"]
        self._file_bytes_max: int = settings["file_bytes_max"]
        self._directory: str = settings["files"]
        self._name: str = settings["rows_file"]
        self.clear()

    def clear(self) -> None:
        """Begin anew: another statement gives rows."""
        self._columns: list[str] = []
        self._lines: list[bytes] = []
        self._kept = 0
        self._bytes = 0
        self.count = 0
        self._file: BinaryIO | None = None
        self._file_bytes = 0

    def columns(self, names: Iterable[str]) -> None:
        """Name the columns; a name that comes twice gets a number."""
        self._columns = []
        for name in names:
            number, unique = 1, name
            while unique in self._columns:
                number += 1
                unique = f"{name}_{number}"
            self._columns.append(unique)

    def add(self, values: Sequence[Any]) -> None:
        """Take one row."""
        row = dict(zip(self._columns, map(plain, values), strict=True))
        line = encoded(row)
        self.count += 1
        if self._file is None:
            fits = self._bytes + len(line) + 1 <= self._bytes_max
            if fits and self.count <= self._rows_max:
                self._lines.append(line)
                self._bytes += len(line) + 1
                return
            self._spill()
        self._append(line)

    def result(self, status: str | None) -> bytes:
        """Return the result as JSON."""
        head: dict[str, Any] = {
            "columns": self._columns,
            "row_count": self.count,
            "truncated": self._file is not None,
        }
        if status is not None:
            head["status"] = status
        if self._file is not None:
            self._file.close()
            head["file"] = {"name": self._name, "bytes": self._file_bytes}
        rows = b",".join(self._lines)
        return encoded(head)[:-1] + b',"rows":[' + rows + b"]}"

    def _spill(self) -> None:
        if not self._file_bytes_max:
            raise Failed(
                "ResultTooLarge",
                f"The rows are more than {self._rows_max} (executors.sql_rows_max), or longer than "
                "a result, and this worker has no files in common with the API. Ask for fewer.",
            )
        path = os.path.join(self._directory, "results", self._name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._file = open(path, "wb")  # noqa: SIM115 - closed with the result
        for line in self._lines:
            self._append(line)

    def _append(self, line: bytes) -> None:
        assert self._file is not None  # noqa: S101 - `_spill` came first
        if len(line) >= _LINE_BYTES_MAX:
            self._file.close()
            os.unlink(self._file.name)
            raise Failed(
                "RowTooLarge",
                f"Row {self.count} has {len(line)} bytes as JSON; a row in a file has less than "
                f"{_LINE_BYTES_MAX}. Ask for less of each row, such as by substr().",
            )
        self._file_bytes += len(line) + 1
        if self._file_bytes > self._file_bytes_max:
            self._file.close()
            os.unlink(self._file.name)
            raise Failed(
                "ResultTooLarge",
                f"The rows take more than {self._file_bytes_max} bytes (sandbox.disk_bytes_max). "
                "Ask for fewer, or aggregate them.",
            )
        self._file.write(line + b"\n")
