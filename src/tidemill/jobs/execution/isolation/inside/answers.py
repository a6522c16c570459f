"""How a runner tells its worker what came out: one JSON object on the result's descriptor."""

from __future__ import annotations

import json
import math
import os
from typing import Any, NoReturn


class Failed(Exception):
    """The job has failed in a way that its runner can name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def succeed(descriptor: int, result: bytes) -> NoReturn:
    """Answer with `result`, which is JSON, and exit."""
    _write(descriptor, b'{"result":' + result + b"}")
    os._exit(0)


def fail(descriptor: int, kind: str, message: str, traceback: str = "") -> NoReturn:
    """Answer with an error, and exit."""
    error = {"type": kind, "message": message, "traceback": traceback}
    _write(descriptor, json.dumps({"error": error}).encode())
    os._exit(1)


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        import base64  # noqa: PLC0415 - few results hold bytes

        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def encoded(value: Any) -> bytes:
    """Return a plain value as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _write(descriptor: int, answer: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(answer)
