from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tidemill.core.config import ConfigRefused
from tidemill.runtime.configuration import load_config, with_kept_secrets
from tidemill.runtime.configuration.kept_secrets import kept_secret


def test_with_kept_secrets_makes_each_secret_once(tmp_path: Path) -> None:
    config = load_config(environ={"DB_PATH": str(tmp_path / "data")})

    first = with_kept_secrets(config)
    second = with_kept_secrets(config)

    assert first == second
    assert len(first.auth.jwt_secret) >= 48
    assert first.auth.jwt_secret != first.audit.chain_key
    keys = tmp_path / "data" / "keys"
    assert keys.stat().st_mode & 0o777 == 0o700
    assert (keys / "jwt_secret").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in keys.iterdir()) == [
        "audit_chain_key",
        "jwt_secret",
        "secrets_master_key",
    ]


def test_with_kept_secrets_leaves_given_secrets_alone(tmp_path: Path) -> None:
    config = load_config(environ={"DB_PATH": str(tmp_path), "JWT_SECRET": "mine"})

    assert with_kept_secrets(config).auth.jwt_secret == "mine"
    assert not (tmp_path / "keys" / "jwt_secret").exists()


def test_kept_secret_refuses_a_file_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "jwt_secret"
    kept_secret(path)
    path.chmod(0o644)

    with pytest.raises(ConfigRefused, match="chmod 600"):
        kept_secret(path)


def test_kept_secret_gives_all_who_start_at_once_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "jwt_secret"
    with ThreadPoolExecutor(16) as threads:
        made = set(threads.map(lambda _: kept_secret(path), range(32)))

    assert len(made) == 1
    assert [found.name for found in path.parent.iterdir()] == ["jwt_secret"]
