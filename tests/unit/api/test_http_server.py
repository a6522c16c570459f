from __future__ import annotations

from typing import Any

import pytest

from tidemill.api.http_server import http_server


async def _app(scope: Any, receive: Any, send: Any) -> None:
    raise NotImplementedError


def test_http_server_leaves_forwarded_addresses_to_trusted_proxies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """uvicorn would believe X-Forwarded-For of loopback, or of whom its own variable names."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    config = http_server(_app, stop_seconds_max=1).config

    config.load()

    assert config.loaded_app is _app
