"""Runs a script in Python: calls its `main` with the arguments by name."""

from __future__ import annotations

import atexit
import gc
import inspect
import json
import linecache
import math
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn, TextIO

from .place import place

_MODULE: Final = "script"
_TRACEBACK_BYTES_MAX: Final = 64 * 1024
_DEPTH_MAX: Final = 50


class ResultRefused(Exception):
    """What `main` returned cannot be a result."""


def run(specification: dict[str, Any], result_descriptor: int) -> NoReturn:
    """Run the script, write `{"result"}` or `{"error"}` to the descriptor, and exit."""
    open_streams()
    name = set_up(specification)
    answer, status = answered(lambda: call(load(specification, name), specification), name)
    _say_goodbye()
    with open(result_descriptor, "wb") as file:
        file.write(answer)
    os._exit(status)


def set_up(specification: dict[str, Any]) -> str:
    """Make the interpreter that of the script, and return the script's file name."""
    name = f"{specification['name']}.py"
    sys.argv = [name]
    sys.path.append(place("client"))
    _set_up_logging(specification["content"])
    gc.enable()
    return name


def open_streams() -> None:
    """Give the script the three standard streams, anew."""
    sys.stdout, sys.stderr = _printing(1), _printing(2)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process


def _printing(number: int) -> TextIO:
    return open(
        number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def answered(work: Callable[[], bytes], name: str) -> tuple[bytes, int]:
    """Return what the job answers, and the exit code of that."""
    try:
        return b'{"result":' + work() + b"}", 0
    except BaseException as error:  # noqa: BLE001 - also SystemExit is the script's own end
        if isinstance(error, SystemExit) and not error.code:
            return b'{"result":null}', 0
        return json.dumps({"error": described(error, name)}).encode(), 1


def _set_up_logging(content: str) -> None:
    """Give what the script logs its time and level; only where it logs, for others cost nothing."""
    if "logging" not in content:
        return
    import logging  # noqa: PLC0415 - few scripts need its pages
    import time  # noqa: PLC0415 - as above

    form = "%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def load(specification: dict[str, Any], name: str) -> Callable[..., Any]:
    """Run the script's top level and return its `main`."""
    content = specification["content"]
    module = types.ModuleType(_MODULE)
    module.__file__ = name
    module.__package__ = ".".join(specification["name"].split("/")[:-1])
    for path in specification["settings"].get("path", ()):
        import site  # noqa: PLC0415 - only where packages are

        site.addsitedir(path)
    if specification["modules"]:
        from . import modules  # noqa: PLC0415 - few scripts import others

        modules.offer(specification["modules"])
    sys.modules[_MODULE] = module
    linecache.cache[name] = (len(content), None, content.splitlines(keepends=True), name)
    exec(compile(content, name, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the job
    main: Callable[..., Any] | None = getattr(module, "main", None)
    if not callable(main):
        raise ResultRefused("The script has no function main; define `def main(...)`.")
    return main


def call(main: Callable[..., Any], specification: dict[str, Any]) -> bytes:
    """Call `main` with the arguments of a job and return its result."""
    value = main(**json.loads(specification["arguments"]))
    if inspect.isawaitable(value):
        import asyncio  # noqa: PLC0415 - most jobs need none of its many pages

        value = asyncio.run(_awaited(value))
    return encoded(value, specification["result_bytes_max"])


async def _awaited(value: Any) -> Any:
    return await value


def encoded(value: Any, bytes_max: int) -> bytes:
    """Return `value` as JSON; raise `ResultRefused` with what is wrong and where."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        result = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        place = _misfit(value, "the result", 0) or f"the result: {error}"
        raise ResultRefused(f"main must return what JSON can hold, and not {place}.") from None
    if len(result) > bytes_max:
        raise ResultRefused(
            f"The result has {len(result)} bytes, over the limit of {bytes_max}. "
            "Store it elsewhere and return where it is."
        )
    return result


def _misfit(value: Any, place: str, depth: int) -> str | None:
    """Return where in `value` the first thing lies that JSON cannot hold."""
    if depth > _DEPTH_MAX:
        return f"{place}, which is too deep or contains itself"
    if isinstance(value, dict):
        return _misfit_key(value, place) or _first_misfit(
            ((item, f"{place}[{key!r}]") for key, item in value.items()), depth
        )
    if isinstance(value, (list, tuple)):
        return _first_misfit(((v, f"{place}[{n}]") for n, v in enumerate(value)), depth)
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value} at {place}"
    plain = value is None or isinstance(value, (str, int))
    return None if plain else f"a {type(value).__name__} at {place}"


def _first_misfit(items: Iterator[tuple[Any, str]], depth: int) -> str | None:
    return next(filter(None, (_misfit(item, place, depth + 1) for item, place in items)), None)


def _misfit_key(value: dict[Any, Any], place: str) -> str | None:
    for key in value:
        if key is not None and not isinstance(key, (str, int, float)):
            return f"a key of type {type(key).__name__} at {place}"
    return None


def described(error: BaseException, name: str) -> dict[str, str]:
    """Return type, message and the part of the traceback that lies in the user's code."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != name:
        frames = frames.tb_next
    if isinstance(error, ResultRefused):
        return {"type": "InvalidResult", "message": str(error), "traceback": ""}
    shown = traceback.TracebackException(type(error), error, frames, limit=-50)
    text = "".join(shown.format())
    return {
        "type": type(error).__name__,
        "message": _message(error),
        "traceback": text[-_TRACEBACK_BYTES_MAX:],
    }


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"The script left by sys.exit({error.code!r})."
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the user's own __str__
        return f"<{type(error).__name__} without a message>"


def _say_goodbye() -> None:
    try:
        atexit._run_exitfuncs()  # noqa: SLF001 - os._exit, which a fork needs, runs none
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                continue
