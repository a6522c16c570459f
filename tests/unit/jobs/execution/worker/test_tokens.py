from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tidemill.jobs.execution.worker.tokens import NoToken, TokenRequests
from tidemill.jobs.protocol.messages import Held, Token, TokenWanted

pytestmark = pytest.mark.anyio

HELD = Held("j1", 1)


class Dispatcher:
    """Remembers what it was asked, and answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[TokenWanted] = []

    async def connected(self) -> Any:
        return self

    async def send(self, wanted: TokenWanted) -> None:
        self.asked.append(wanted)


async def test_token_reaches_whoever_asks_while_another_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dispatcher = Dispatcher()
    requests = TokenRequests(dispatcher.connected)
    monkeypatch.setattr("tidemill.jobs.execution.worker.tokens.token_seconds_max", 0.01)
    impatient = asyncio.ensure_future(requests.ask(HELD))
    await asyncio.sleep(0)
    monkeypatch.setattr("tidemill.jobs.execution.worker.tokens.token_seconds_max", 60.0)
    patient = asyncio.ensure_future(requests.ask(HELD))

    with pytest.raises(NoToken):
        await impatient
    requests.take(Token(job_id="j1", epoch=2, token="of another execution"))
    requests.take(Token(job_id="j1", epoch=1, token="t"))

    assert await patient == "t"
    assert len(dispatcher.asked) == 2
    assert requests._waiting == {}
