from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.fixtures.logs import written_logs
from tests.fixtures.stores import make_stores, until
from tidemill.core.actor import system
from tidemill.core.config import Layers
from tidemill.infrastructure.database import Stores
from tidemill.runtime.following import follow_settings
from tidemill.settings.live.service import LiveSettings
from tidemill.settings.operators.service import FirstOwners
from tidemill.settings.values.service import SettingService

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with make_stores("sqlite", tmp_path) as stores:
        yield stores


@pytest.fixture
def written() -> Iterator[io.BytesIO]:
    with written_logs() as stream:
        yield stream


async def test_follow_settings_changes_the_log_level_while_running(
    stores: Stores, written: io.BytesIO
) -> None:
    live = LiveSettings(stores.control, Layers(), stores.invalidations)
    service = SettingService(stores.control, Layers(), FirstOwners(stores.control))
    log = structlog.get_logger("test")
    follow_settings(live)
    await live.start()
    try:
        log.debug("too.fine")
        await service.put("log.level", "debug", actor=system("cli"))
        await until(lambda: live.get("log.level") == "debug")
        log.debug("now.shown")
    finally:
        await live.stop()

    assert b"now.shown" in written.getvalue()
    assert b"too.fine" not in written.getvalue()
