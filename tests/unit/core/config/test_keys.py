from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidemill.core.config import KEYS, BadValue, Config, Key, merge, without_password
from tidemill.core.config.names import KEY_ALIASES, OTHER_PREFIXES, OTHER_VARIABLES, VARIABLES


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_key_says_what_it_means_and_accepts_its_default(key: Key) -> None:
    assert key.meaning.endswith(".")
    assert "\n" not in key.meaning
    assert key.accept(key.default) == key.default
    assert key.accept(key.shown(key.default)) == key.default
    assert re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", key.name)


@pytest.mark.parametrize(
    "key",
    [key for key in KEYS.values() if key.kind.type in (int, float)],
    ids=lambda key: key.name,
)
def test_key_with_a_number_has_limits_and_refuses_what_lies_outside(key: Key) -> None:
    assert key.kind.ge is not None
    assert key.kind.le is not None
    for value in (key.kind.ge - 1, key.kind.le + 1, float("nan"), True, "3"):
        with pytest.raises(BadValue, match="number"):
            key.accept(value)


def test_variables_are_as_many_as_keys_and_aliases() -> None:
    assert len(VARIABLES) == len(KEYS) + len(KEY_ALIASES)


def test_every_variable_in_the_code_is_known() -> None:
    """A variable that is no key would be refused as a mistake."""
    known = OTHER_VARIABLES | set(VARIABLES) | {f"{name}_FILE" for name in VARIABLES}
    found = {
        (name, path.name)
        for path in Path("src/tidemill").rglob("*.py")
        for name in re.findall(r'"(TIDEMILL_[A-Z_]+[A-Z])"', path.read_text(encoding="utf-8"))
        if name not in known and not name.startswith(OTHER_PREFIXES)
    }

    assert found == set()


def test_merge_of_nothing_gives_the_defaults() -> None:
    config = merge(())

    assert config == Config()
    assert config.server.host == "127.0.0.1"
    assert config.server.port == 3000
    assert config.public_url == "http://127.0.0.1:3000"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pa%40ss@h:5432/d", "postgresql://u:********@h:5432/d"),
        ("postgresql://u:p@ss@h/d", "postgresql://u:********@h/d"),
        ("redis://:secret@h", "redis://:********@h"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("", ""),
    ],
)
def test_without_password_hides_only_the_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_lease_seconds_is_never_under_three_heartbeats() -> None:
    """Q21: a heartbeat every 30 s must not cost a healthy worker its jobs."""
    key = KEYS["worker.heartbeat_interval_seconds"]
    assert key.accept(30) == 30.0
    from msgspec import structs

    config = Config()
    slow = structs.replace(
        config, worker=structs.replace(config.worker, heartbeat_interval_seconds=30)
    )
    assert slow.lease_seconds == 90
    assert config.lease_seconds == 30
