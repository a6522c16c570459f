from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidemill.api.documents.config_files import SHIPPED_FILES, config_file_text
from tidemill.core.config import KEYS, Config
from tidemill.runtime.configuration import Override, load_config

ROOT = Path(__file__).resolve().parents[4]
STRONG = "q8Zr1vXy0TnL5uGh3WbKc7PdMj2eSf9A4oIiUEtN"


@pytest.mark.parametrize("name", SHIPPED_FILES)
def test_shipped_files_load_as_they_are(name: str) -> None:
    """Q10, Q24."""
    assert load_config(config_file=ROOT / "config" / name) == Config()


@pytest.mark.parametrize("name", SHIPPED_FILES)
def test_shipped_files_hold_every_key_once_and_commented_out(name: str) -> None:
    text = config_file_text(name)

    section, found = "", []
    for line in text.splitlines():
        assert line == "" or line.startswith(("#", "["))
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section = match[1]
        elif match := re.match(r"# (\w+) = \S", line):
            found.append(f"{section}.{match[1]}")
    aliases = ["api.bind_address", "api.cors_enabled"]
    assert [name for name in found if name not in aliases] == list(KEYS)


@pytest.mark.parametrize("name", SHIPPED_FILES)
def test_shipped_files_load_with_every_key_in_force(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    lines = [
        re.sub(r"^# (\w+ = [^#]*)$", r"\1", line)
        for line in config_file_text(name).splitlines()
        if not line.endswith(("at once.", "under [cors]."))
    ]
    file.write_text("\n".join(lines))
    secrets = {
        "auth.jwt_secret": STRONG,
        "audit.chain_key": STRONG[::-1],
        "secrets.master_key": STRONG[1:] + STRONG[0],
    }
    overrides = [Override(key=key, text=text) for key, text in secrets.items()]

    config = load_config(config_file=file, overrides=overrides)

    for key in KEYS.values():
        wanted = SHIPPED_FILES[name].proposals.get(key.name, key.default)
        held = getattr(getattr(config, key.section), key.field)
        assert held == secrets.get(key.name, wanted)
