from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tidemill.board.notification_mails.sender import MailSender

pytestmark = pytest.mark.anyio


class _NothingDue:
    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def tenants_due(self) -> list[str]:
        self.asked.set()
        return []


async def test_stop_waits_for_no_look_that_would_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("look_seconds", "stop_seconds_max"):
        monkeypatch.setattr(f"tidemill.board.notification_mails.sender.{name}", 3_600.0)
    mailing, nobody = _NothingDue(), cast("Any", None)
    sender = MailSender(cast("Any", mailing), nobody, nobody, holder="one", public_url="")
    await sender.start()
    async with asyncio.timeout(60):
        await mailing.asked.wait()

        await sender.stop()
