"""Runs a script in TypeScript by deno, which may touch nothing but what is listed here."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from .answers import fail
from .place import place

_PORTS: Final = {"http": 80, "https": 443}
_MEBIBYTE: Final = 1024 * 1024


def run(specification: dict[str, Any], result: int) -> NoReturn:
    """Start deno, wait for it, and hand on the answer that it left."""
    directory = os.getcwd()
    settings = specification["settings"]
    root = os.path.join(directory, ".script")
    entry = _write_scripts(root, specification)
    answer = os.path.join(root, "answer")
    plan = {
        "script": f"file://{entry}",
        "shown": f"{specification['name']}.ts",
        "root": f"file://{root}",
        "arguments": json.loads(specification["arguments"]),
        "parameters": settings["parameters"],
        "answer": answer,
        "result_bytes_max": specification["result_bytes_max"],
    }
    _write(os.path.join(root, "plan.json"), json.dumps(plan))
    _write(
        os.path.join(root, "imports.json"),
        json.dumps({"imports": {"tidemill": f"file://{place('deno/tidemill.ts')}"}}),
    )
    pid = os.fork()
    if pid == 0:
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        command = _command(settings, directory, root)
        os.execve(command[0], command, _environment(root))  # noqa: S606 - the runtime that the operator installed
    # TERM ends deno; this process stays to say how.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    _hand_on(answer, result)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        with suppress(OSError):
            os.kill(os.getpid(), -code)
    if code == 0:
        fail(result, "NoResult", "The script ended its process before main returned.")
    os._exit(code if code > 0 else 1)


def _command(settings: dict[str, Any], directory: str, root: str) -> list[str]:
    relay = urlsplit(os.environ.get("TIDEMILL_URL", ""))
    net = []
    if relay.hostname:
        net = [f"--allow-net={relay.hostname}:{relay.port or _PORTS.get(relay.scheme, 80)}"]
    runtime = place("deno")
    heap = max(64, settings["memory_bytes_max"] // _MEBIBYTE * 3 // 4)
    return [
        settings["deno"], "run", "--quiet", "--no-prompt", "--no-config", "--no-lock",
        "--no-remote", "--no-npm", "--node-modules-dir=none", "--no-check",
        f"--import-map={root}/imports.json", f"--v8-flags=--max-old-space-size={heap}",
        f"--allow-read={directory},{runtime}", f"--allow-write={directory}",
        f"--deny-write={root}/scripts",
        "--allow-env", *net, f"{runtime}/boot.ts",
    ]  # fmt: skip


def _environment(root: str) -> dict[str, str]:
    return {
        **os.environ,
        "DENO_DIR": os.path.join(root, "cache"),
        "DENO_NO_UPDATE_CHECK": "1",
        "NO_COLOR": "1",
        "TIDEMILL_PLAN": os.path.join(root, "plan.json"),
    }


def _write_scripts(root: str, specification: dict[str, Any]) -> str:
    """Write the script and what it imports below `root`, by their paths; return its file."""
    os.makedirs(root, 0o700)
    for path, text in specification["modules"].items():
        _write(os.path.join(root, "scripts", f"{path}.ts"), text)
    entry = os.path.join(root, "scripts", f"{specification['name']}.ts")
    _write(entry, specification["content"])
    return entry


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _hand_on(answer: str, result: int) -> None:
    try:
        with open(answer, "rb") as file:
            data = file.read()
    except OSError:
        return
    with open(result, "wb") as pipe:
        pipe.write(data)
    error = data[:8] == b'{"error"'
    os._exit(1 if error else 0)
