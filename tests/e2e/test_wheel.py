"""The wheel holds all that an installation needs."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import wait_until

ROOT: Final = Path(__file__).resolve().parents[2]
UV: Final = str(Path(sys.executable).with_name("uv"))

pytestmark = [
    pytest.mark.full(reason="it installs all dependencies into an empty environment"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [UV, "build", "--wheel", "--quiet", "--out-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_wheel_holds_migrations_and_configuration(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    for folder in ("migrations", "config"):
        files = [file for file in (ROOT / folder).rglob("*") if file.is_file()]
        wanted = {f"tidemill/_resources/{file.relative_to(ROOT).as_posix()}" for file in files}
        assert wanted <= names
    assert not any(name.startswith("tests/") for name in names)


def test_wheel_in_an_empty_environment_runs_tidemill_up(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, "v"], check=True, cwd=tmp_path)
    python = tmp_path / "v" / "bin" / "python"
    install = [UV, "pip", "install", "-q", "--python", str(python), str(wheel)]
    subprocess.run(install, check=True, cwd=tmp_path, timeout=240)
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    running = subprocess.Popen(
        [str(tmp_path / "v" / "bin" / "tidemill"), "up", "--port", str(port)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: _health(port) == b"OK" or running.poll() is not None, seconds_max=30)
        assert running.poll() is None, "it ended by itself"
    finally:
        running.terminate()
        said, _ = running.communicate(timeout=30)

    assert b"/setup?ticket=" in said
    assert b"Traceback" not in said


def _health(port: int) -> bytes:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            body: bytes = answer.read()
            return body
    except OSError:
        return b""
