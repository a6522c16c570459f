"""Runs a container by its engine's command line, as closed as the engine allows."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import Any, Final, NoReturn

_PLACE: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
_stop_seconds: Final = 3


def run(specification: dict[str, Any], _result: int) -> NoReturn:
    """Start the container, wait for its end, and end as it did."""
    settings = specification["settings"]
    arguments = {**settings["defaults"], **json.loads(specification["arguments"])}
    pid = os.fork()
    if pid == 0:
        for number in (signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        command = _command(settings, arguments)
        os.execve(settings["engine"], command, os.environ)  # noqa: S606 - found by the operator's PATH
    signal.signal(signal.SIGTERM, lambda *_: _stop(settings))
    _, status = os.waitpid(pid, 0)
    os._exit(max(1, abs(os.waitstatus_to_exitcode(status))) if status else 0)


def _command(settings: dict[str, Any], arguments: dict[str, Any]) -> list[str]:
    memory = str(settings["memory_bytes_max"])
    command = [
        settings["engine"], "run", "--rm", "--name", settings["name"],
        "--label", settings["label"], "--network", "none",
        "--memory", memory, "--memory-swap", memory,
        "--pids-limit", str(settings["processes_max"]), "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp",
        "--user", "1000:1000",
    ]  # fmt: skip
    for name, value in settings["env"].items():
        command += ["--env", f"{name}={_filled(value, arguments)}"]
    for name in sorted(os.environ):
        if name.startswith("TIDEMILL_") and name not in {"TIDEMILL_TOKEN", "TIDEMILL_URL"}:
            command += ["--env", name]
    return [*command, settings["image"], *(_filled(w, arguments) for w in settings["command"])]


def _filled(text: str, arguments: dict[str, Any]) -> str:
    return _PLACE.sub(lambda match: _text(arguments.get(match[1])), text)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _stop(settings: dict[str, Any]) -> None:
    if os.fork() == 0:
        seconds = str(_stop_seconds)
        command = [settings["engine"], "stop", "--time", seconds, settings["name"]]
        os.execve(settings["engine"], command, os.environ)  # noqa: S606 - found by the operator's PATH
