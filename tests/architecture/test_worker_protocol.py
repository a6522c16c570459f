"""The page of the worker protocol names every message and field, as they are."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

import msgspec
import pytest
from msgspec.structs import FieldInfo, fields

from tidemill.jobs.protocol import messages
from tidemill.jobs.protocol.framing import message_bytes_max
from tidemill.jobs.protocol.messages import frame_bytes_max, protocol_version
from tidemill.jobs.protocol.receiving import STRANGER, Windows

PAGE: Final = (Path(__file__).parents[2] / "docs" / "api" / "worker-protocol.md").read_text()
PARTS: Final = {
    "held": messages.Held,
    "registered function": messages.RegisteredFunction,
    "assignment": messages.Assignment,
}
MESSAGES: Final = {
    str(one.__struct_config__.tag): one
    for side in (messages.FromWorker, messages.ToWorker)
    for one in get_args(side)
}
_NAMES: Final = {one: name for name, one in {**MESSAGES, **PARTS}.items()}
_PLAIN: Final = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "bytes",
    Any: "any",
}
_ROW: Final = re.compile(r"^\| `(\w+)` \|([^|]+)\|([^|]*)\|[^|]+\|$", re.MULTILINE)


@pytest.mark.parametrize("name", [*MESSAGES, *PARTS])
def test_page_of_the_worker_protocol_tells_the_fields_of(name: str) -> None:
    told = [(field, type_.strip(), default.strip()) for field, type_, default in _section(name)]

    struct = {**MESSAGES, **PARTS}[name]
    assert told == [(one.name, _type(one.type), _default(one)) for one in fields(struct)]


def test_page_of_the_worker_protocol_names_no_other_message() -> None:
    sections = set(re.findall(r"^### (.+)$", PAGE, re.MULTILINE))

    assert sections == {*MESSAGES, *PARTS}


@pytest.mark.parametrize(
    "said",
    [
        f"# Worker protocol, version {protocol_version} ",
        f"at most {frame_bytes_max} ",
        f"up to {message_bytes_max // 1024**2} MiB",
        f"grants {STRANGER.control} frames of control at first",
        f"keeps {Windows().control} of control, {Windows().outcomes} of outcomes",
        f"and {Windows().logs} of logs open",
        *(f"`{verdict}` |" for verdict in messages.Verdict),
        *(f"`{isolation}`" for isolation in messages.Isolation),
    ],
)
def test_page_of_the_worker_protocol_tells_its_limits(said: str) -> None:
    assert said in " ".join(PAGE.split())


def _section(name: str) -> list[tuple[str, str, str]]:
    start = PAGE.index(f"\n### {name}\n")
    end = re.compile(r"^##", re.MULTILINE).search(PAGE, start + 5)
    return [
        (match[0], match[1], match[2])
        for match in _ROW.findall(PAGE[start : end.start() if end else None])
    ]


def _type(wanted: Any) -> str:
    if wanted in _PLAIN:
        return _PLAIN[wanted]
    arguments = get_args(wanted)
    if get_origin(wanted) in {UnionType, Union}:
        return f"{_type(next(one for one in arguments if one is not NoneType))} or nil"
    if get_origin(wanted) is tuple:
        return f"list of {_type(arguments[0])}"
    if get_origin(wanted) is dict:
        return f"map of {_type(arguments[1])}"
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return "integer" if issubclass(wanted, int) else "text"
    return _NAMES[wanted]


def _default(field: FieldInfo) -> str:
    if field.required:
        return ""
    if field.default is msgspec.NODEFAULT or field.default in ((), ""):
        return "empty"
    if field.default is None:
        return "nil"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    if isinstance(field.default, str):
        return f"`{field.default}`"
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
