"""The guides tell what is so: their commands are run in order, and print what they say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
from msgspec import Struct

from tests.fixtures.client import log_in
from tests.fixtures.server import TIDEMILL, Server

GUIDES: Final = Path(__file__).parents[2] / "docs" / "guide"
_BLOCK: Final = re.compile(
    r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_MARK: Final = "=== end of the commands ==="
_COMMANDS: Final = pytest.mark.full(reason="its commands take 2 s of CPU; each has its tests")


class Part(Struct):
    """Commands of a guide, and the lines that it shows of what they print."""

    commands: str
    shown: list[str]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("custom-fields.md", marks=_COMMANDS),
        pytest.param("dispatch.md", marks=_COMMANDS),
        pytest.param("quick-add.md", marks=_COMMANDS),
        *("board-over-http.md", "observability.md"),
        pytest.param(
            "control.md",
            marks=pytest.mark.full(reason="twenty commands take 8 s of CPU; each has its tests"),
        ),
        *("scripts.md", "jobs-over-http.md"),
        pytest.param("schedules.md", marks=_COMMANDS),
        pytest.param("secrets.md", marks=_COMMANDS),
        pytest.param("languages.md", marks=pytest.mark.full(reason="it takes a package from PyPI")),
        pytest.param("folders.md", marks=_COMMANDS),
        pytest.param("audit.md", marks=_COMMANDS),
        pytest.param("migrate/airflow.md", marks=_COMMANDS),
        "migrate/windmill.md",
        pytest.param(
            "migrate/cron.md",
            marks=pytest.mark.full(reason="its program runs in each change; its commands as above"),
        ),
    ],
)
def test_guide_shows_what_its_commands_print(name: str, server: Server, tmp_path: Path) -> None:
    parts = _read(name, tmp_path)
    with log_in(server.url) as client:
        token = client.token or ""
    # Stands for the password manager, which the machine may not have.
    shell = "pass() { echo 'low tide at noon'; }\n" + "".join(
        f"{part.commands}\necho '{_MARK}'\n" for part in parts
    )

    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", shell],
        cwd=tmp_path,
        env=server.environment(
            TIDEMILL_URL=server.url,
            TIDEMILL_TOKEN=token,
            PATH=f"{Path(TIDEMILL).parent}:/usr/local/bin:/usr/bin:/bin",
        ),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    printed = done.stdout.split(_MARK)
    for part, text in zip(parts, printed[:-1], strict=True):
        for line in part.shown:
            assert line in text, f"{part.commands}\nprinted\n{text}\nnot {line}"


def test_guide_to_schedules_shows_parts_of_the_schedules_that_it_imports() -> None:
    blocks = _BLOCK.findall((GUIDES / "schedules.md").read_text(encoding="utf-8"))
    shown = [
        msgspec.json.decode(f"{{{text}}}")
        for kind, title, text in blocks
        if kind == "json" and not title
    ]
    imported = [msgspec.json.decode(text) for _, title, text in blocks if title == "schedules.json"]

    assert shown
    for part in shown:
        assert any(part.items() <= schedule.items() for schedule in imported[0])


def _read(name: str, directory: Path) -> list[Part]:
    """Return the parts of a guide; its titled blocks become files."""
    parts: list[Part] = []
    for kind, title, text in _BLOCK.findall((GUIDES / name).read_text(encoding="utf-8")):
        if title:
            file = directory / title
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
            if kind == "python":
                compile(text, title, "exec")
        elif kind == "sh":
            parts.append(Part(text, []))
        elif kind == "text" and parts:
            parts[-1].shown += text.splitlines()
    assert parts, f"{name} shows no commands"
    return parts
