from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from uuid_utils import uuid7

from tidemill.core.ids import InvalidTenantId
from tidemill.jobs.records.logs.files import Chunk, LogFiles, LogKey

KEY = LogKey("tenant", str(uuid7()), 1)


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path / "logs", bytes_max=20)


def test_write_ignores_overlap_and_fills_what_came_late(files: LogFiles) -> None:
    files.write([Chunk(KEY, 0, b"abcd"), Chunk(KEY, 2, b"cdef"), Chunk(KEY, 8, b"ij")])
    files.write([Chunk(KEY, 6, b"gh")])

    assert files.read(KEY, 0, 100) == b"abcdefghij"


def test_write_keeps_executions_apart(files: LogFiles) -> None:
    other = LogKey(KEY.tenant_id, KEY.job_id, 2)
    files.write([Chunk(KEY, 0, b"first"), Chunk(other, 0, b"second")])

    assert files.read(KEY, 0, 100) == b"first"
    assert files.read(other, 3, 2) == b"on"


def test_write_says_where_a_log_was_cut(files: LogFiles) -> None:
    files.write([Chunk(KEY, 0, b"x" * 50), Chunk(KEY, 50, b"y" * 50)])

    assert files.read(KEY, 0, 100) == b"x" * 20 + b"\n[output truncated]\n"


def test_read_of_a_job_that_printed_nothing_is_empty(files: LogFiles) -> None:
    assert files.read(KEY, 0, 100) == b""


@pytest.mark.parametrize("tenant", ["..", "a/b", "", "con"])
def test_write_never_leaves_its_directory(files: LogFiles, tenant: str) -> None:
    with pytest.raises(InvalidTenantId):
        files.write([Chunk(LogKey(tenant, KEY.job_id, 1), 0, b"x")])
    with pytest.raises(ValueError, match="up"):
        files.write([Chunk(LogKey("tenant", "../up", 1), 0, b"x")])


def test_remove_before_takes_only_what_nobody_wrote_to_since(
    files: LogFiles, tmp_path: Path
) -> None:
    folder = tmp_path / "logs" / "tenant" / "100"
    folder.mkdir(parents=True)
    old, young = folder / "old.1.log", folder / "young.1.log"
    for file in (old, young):
        file.write_bytes(b"x")
    os.utime(old, (100 * 86_400, 100 * 86_400))
    files.write([Chunk(KEY, 0, b"new")])

    files.remove_before(101)

    assert not old.exists()
    assert young.exists(), "its job was made long ago and runs now"
    assert files.read(KEY, 0, 10) == b"new"


def test_remove_before_takes_folders_that_are_empty(files: LogFiles, tmp_path: Path) -> None:
    old = tmp_path / "logs" / "tenant" / "100" / "old.1.log"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    os.utime(old, (0, 0))

    files.remove_before(101)

    assert not old.parent.exists()


def test_write_says_what_was_lost_until_it_comes(tmp_path: Path) -> None:
    files = LogFiles(tmp_path / "logs", bytes_max=1000)
    files.write([Chunk(KEY, 0, b"first\n"), Chunk(KEY, 106, b"last\n")])

    with_gap = files.read(KEY, 0, 1000)
    files.write([Chunk(KEY, 6, b"x" * 100)])

    notice = "\n[… 100 bytes of log were lost …]\n".encode()
    assert with_gap == b"first\n" + notice + b"\0" * (100 - len(notice)) + b"last\n"
    assert files.read(KEY, 0, 1000) == b"first\n" + b"x" * 100 + b"last\n"


def test_write_goes_on_where_the_disk_took_a_part(
    files: LogFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: pwrite(file, data[:3], at))

    failures = files.write([Chunk(KEY, 0, b"high water")])

    assert failures == {}
    assert files.read(KEY, 0, 100) == b"high water"


def test_write_tells_of_a_file_that_failed_as_it_was_closed(
    files: LogFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LogKey(KEY.tenant_id, KEY.job_id, 2)
    close, failing = os.close, [OSError(errno.EDQUOT, "Disk quota exceeded")]
    closed: list[int] = []

    def closing(file: int) -> None:
        close(file)
        closed.append(file)
        if failing:
            raise failing.pop()

    monkeypatch.setattr(os, "close", closing)

    failures = files.write([Chunk(KEY, 0, b"ebb"), Chunk(other, 0, b"flow")])

    assert list(failures) == [KEY]
    assert len(closed) == 2, "the other file was left open"
