from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fixtures.app import make_app
from tests.fixtures.stores import until

pytestmark = pytest.mark.anyio


async def test_open_process_tells_a_full_disk_in_the_log_though_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.runtime.process.look_seconds", 0.05)
    full = type("Usage", (), {"free": 0})
    with capture_logs() as lines:
        async with make_app(tmp_path):
            monkeypatch.setattr(
                "tidemill.infrastructure.database.sqlite.assembly.shutil.disk_usage", lambda _: full
            )
            await until(lambda: ("control", "the disk is full") in _failed(lines))

    assert ("tenants", "the disk is full") in _failed(lines)


def _failed(lines: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {
        (line["part"], line["reason"]) for line in lines if line["event"] == "health.part.failed"
    }
