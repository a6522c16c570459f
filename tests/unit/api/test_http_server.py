from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tidemill.api.http_server import http_server, listen_in
from tidemill.core.config import ConfigRefused


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


def test_listen_in_says_which_directory_has_a_name_too_long_for_a_socket(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"api.sock cannot be listened on.*server.data_dir"):
        listen_in(tmp_path / ("x" * 110))
