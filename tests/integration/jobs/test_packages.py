"""Packages by a script's header, from wheels in a directory, and scripts that import scripts."""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.client import Client, log_in
from tests.fixtures.server import Server

HEADER = """# /// script
# requires-python = ">=3.11"
# dependencies = ["tidal-waves>=1"]
# ///
"""
WAVES = HEADER + "import tidal_waves\ndef main():\n    return tidal_waves.height()\n"
HELPER = "HEIGHT = 3\ndef half():\n    return HEIGHT / 2\ndef main():\n    return HEIGHT\n"
USER = (
    "from .helper import half\nimport f.tides.helper as h\n"
    "def main():\n    return half() + h.HEIGHT\n"
)


def _wheel(directory: Path, name: str, version: str, code: str) -> None:
    stem = f"{name}-{version}"
    files = {
        f"{name}.py": code,
        f"{stem}.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        ),
        f"{stem}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = f"{stem}.dist-info/RECORD"
    lines = [f"{path},{_digest(text)},{len(text)}" for path, text in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""])
    with zipfile.ZipFile(directory / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheels")
    _wheel(directory, "tidal_waves", "1.0", "def height():\n    return 'one metre'\n")
    return directory


@pytest.fixture(scope="module")
def client(wheels: Path) -> Iterator[Client]:
    if sys.platform != "linux":
        pytest.skip("the walls are made of Linux's namespaces")
    settings = {"executors.offline": "true", "executors.wheels_directory": str(wheels)}
    with Server(settings=settings) as server, log_in(server.url) as client:
        yield client


def _deploy(client: Client, path: str, content: str) -> dict[str, Any]:
    body = {"path": path, "language": "python", "content": content}
    deployed: dict[str, Any] = client.post("/scripts", body)
    return deployed


def _run(client: Client, **body: Any) -> dict[str, Any]:
    return client.finished(client.post("/jobs", body)["id"])


def test_packages_integration_are_pinned_at_deploy_and_built_offline(
    client: Client, wheels: Path
) -> None:
    _deploy(client, "f/tides/waves", WAVES)
    before = _run(client, script_path="f/tides/waves")
    _wheel(wheels, "tidal_waves", "2.0", "def height():\n    return 'two metres'\n")

    again = _run(client, script_path="f/tides/waves")

    assert before["error"] is None
    assert before["result"] == again["result"] == "one metre"


def test_packages_integration_of_code_in_place_are_built_too(client: Client) -> None:
    ended = _run(client, language="python", content=WAVES)

    assert ended["error"] is None
    assert "metre" in ended["result"]


def test_packages_and_imports_integration_come_to_warm_processes_too(client: Client) -> None:
    _deploy(client, "f/warm/helper", HELPER)
    content = WAVES.replace("return ", "return helper.HEIGHT, ").replace(
        "import tidal_waves", "import tidal_waves\nfrom . import helper"
    )
    _deploy(client, "f/warm/waves", content)

    runs = [_run(client, script_path="f/warm/waves", isolation="warm") for _ in range(2)]

    assert [run["error"] for run in runs] == [None, None]
    assert runs[0]["result"][0] == 3


def test_packages_integration_refuse_what_cannot_be_had(client: Client) -> None:
    body = {"path": "x", "language": "python", "content": WAVES.replace("tidal-waves", "no-such")}

    answer = client.ask("POST", "/scripts", json=body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "PACKAGES_NOT_RESOLVED")
    assert "no-such" in error["message"]


@pytest.mark.parametrize("name", ["--index-url=http://x", "x @ file:///etc", "git+https://x/y"])
def test_packages_integration_take_names_only(client: Client, name: str) -> None:
    content = WAVES.replace("tidal-waves>=1", name)
    body = {"path": "x", "language": "python", "content": content}

    answer = client.ask("POST", "/scripts", json=body)

    assert answer.json()["error"]["code"] == "SCRIPT_INVALID", answer.text


def test_imports_integration_use_the_text_that_was_deployed_with(client: Client) -> None:
    _deploy(client, "f/tides/helper", HELPER)
    first = _deploy(client, "f/tides/user", USER)
    before = _run(client, script_path="f/tides/user")
    _deploy(client, "f/tides/helper", HELPER.replace("3", "10"))
    pinned = _run(client, script_path="f/tides/user")

    second = _deploy(client, "f/tides/user", USER)

    assert before["error"] is None
    assert before["result"] == pinned["result"] == 4.5
    assert (first["version"], second["version"]) == (1, 2)
    assert _run(client, script_path="f/tides/user")["result"] == 15.0


def test_packages_integration_refuse_an_open_header_before_there_is_a_job(client: Client) -> None:
    content = "# /// script\n# dependencies = ['tidal-waves']\ndef main(): ...\n"

    answer = client.ask("POST", "/jobs", json={"language": "python", "content": content})

    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "SCRIPT_INVALID"


def test_imports_integration_refuse_what_is_not_there(client: Client) -> None:
    content = "from .nowhere import x\ndef main():\n    pass\n"
    body = {"path": "f/tides/lost", "language": "python", "content": content}

    answer = client.ask("POST", "/scripts", json=body)

    error = answer.json()["error"]
    assert error["code"] == "SCRIPT_INVALID"
    assert "f/tides/nowhere" in error["message"]


def test_imports_integration_work_between_scripts_in_typescript(client: Client) -> None:
    helper = "export const height = 3;\nexport function main() { return height; }\n"
    user = 'import { height } from "./deep.ts";\nexport function main() { return height * 2; }\n'
    for path, content in (("f/seas/deep", helper), ("f/seas/user", user)):
        client.post("/scripts", {"path": path, "language": "typescript", "content": content})

    ended = _run(client, script_path="f/seas/user")

    assert (ended["error"], ended["result"]) == (None, 6)
