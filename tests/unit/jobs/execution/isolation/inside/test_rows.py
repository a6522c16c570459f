from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tidemill.jobs.context_errors import RowTooLarge
from tidemill.jobs.execution.isolation.inside.answers import Failed
from tidemill.jobs.execution.isolation.inside.rows import Rows
from tidemill.jobs.records.rows.files import RowFiles, line_bytes_max

TENANT = "0192f0c1-2222-7000-8000-000000000000"


def rows_in(directory: Path, **settings: Any) -> Rows:
    return Rows(
        {
            "rows_max": 1,
            "result_bytes_max": 1_000,
            "file_bytes_max": 64 * 1024 * 1024,
            "files": str(directory),
            "rows_file": "job.1.jsonl",
            **settings,
        }
    )


def test_rows_refuse_one_that_no_reader_takes(tmp_path: Path) -> None:
    rows = rows_in(tmp_path)
    rows.columns(["text"])
    rows.add(["short"])

    with pytest.raises(Failed, match=r"Row 2 has .* bytes") as refused:
        rows.add(["x" * line_bytes_max])

    assert refused.value.kind == "RowTooLarge"
    assert not (tmp_path / "results" / "job.1.jsonl").exists()


def test_rows_of_a_file_end_at_one_that_is_too_long(tmp_path: Path) -> None:
    results = tmp_path / TENANT / "results"
    results.mkdir(parents=True)
    (results / "job").write_bytes(b'{"a":1}\n' + b"x" * (line_bytes_max + 1) + b"\n")
    files = RowFiles(tmp_path)

    with pytest.raises(RowTooLarge, match="row at byte 8"):
        files.read(TENANT, "job", 0, 10)
