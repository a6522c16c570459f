"""A work item as a Markdown file: its fields as YAML, then its description; no I/O.

Each value is a text, and an empty one is none. What is written is read as the same values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from tidemill.board.git_errors import UnreadableFile

FIELDS: Final = (
    "title", "type", "status", "priority", "assignee", "parent", "labels", "points",
    "estimate_seconds", "start", "due", "sprint", "archived",
)  # fmt: skip
"""The fields of an item in the order of its file; `description` is what stands below them."""
DESCRIPTION: Final = "description"
CUSTOM: Final = "fields."
"""Ahead of the keys of custom fields; in the file they stand below `fields`."""
KEY: Final = "key"
Values = Mapping[str, str]

_RULE: Final = "---"
_PLAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._/+-]*[A-Za-z0-9._/+-])?")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_BARE: Final = frozenset({"archived"})
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]')
_KNOWN: Final = frozenset({KEY, *FIELDS, "fields"})


class _Loader(yaml.BaseLoader):  # type: ignore[misc]  # PyYAML has no types
    """Reads texts, lists and maps; nothing has a type, and nothing stands for something else."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse anchors and aliases, which make a short text a long one."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise UnreadableFile("it has an anchor or alias of YAML; write the value itself.")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def written(key: str, values: Values) -> str:
    """Return the file of the item `key`."""
    lines = [_RULE, f"{KEY}: {key}"]
    lines += [f"{name}: {_scalar(name, value)}" for name, value in _said(values)]
    custom = sorted(name for name in values if name.startswith(CUSTOM) and values[name])
    if custom:
        lines.append("fields:")
        lines += [
            f"  {_quoted(name.removeprefix(CUSTOM))}: {_quoted(values[name])}" for name in custom
        ]
    described = values.get(DESCRIPTION, "")
    return "\n".join([*lines, _RULE, *(["", described] if described else []), ""])


def read(text: str) -> tuple[str | None, dict[str, str]]:
    """Return the key that a file says, and its values; raises `UnreadableFile`."""
    head, description = _parts(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    said = _mapping(head)
    unknown = sorted(name for name in said if name not in _KNOWN)
    if unknown:
        raise UnreadableFile(f"{unknown[0][:80]!r} is no field: take one of {', '.join(FIELDS)}.")
    values = {name: _text(name, value) for name, value in said.items() if name in FIELDS}
    custom = said.get("fields") or {}
    if not isinstance(custom, dict):
        raise UnreadableFile("fields: the custom fields stand below it, each as key: value.")
    values |= {f"{CUSTOM}{name}": _text(f"fields.{name}", each) for name, each in custom.items()}
    values[DESCRIPTION] = description
    key = _text(KEY, said.get(KEY, ""))
    return key or None, {name: value for name, value in values.items() if value}


def labels_of(text: str) -> tuple[str, ...]:
    """Return the names that a value of labels holds; no name of a label has a comma."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def labels_text(names: Iterable[str]) -> str:
    """Return names of labels as one value."""
    return ", ".join(sorted(set(names)))


def _said(values: Values) -> Iterable[tuple[str, str]]:
    return ((name, values[name]) for name in FIELDS if values.get(name))


def _scalar(name: str, value: str) -> str:
    if name == "labels":
        return f"[{', '.join(_quoted(label) for label in labels_of(value))}]"
    return value if name in _BARE and value == "true" else _quoted(value)


def _quoted(value: str) -> str:
    """Return a value as it is where any reader of YAML takes it for that text, else in quotes."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return f"\\{char}" if char in '"\\' else f"\\u{ord(char):04x}"


def _parts(text: str) -> tuple[str, str]:
    """Return what stands between the rules, and what comes below."""
    first, newline, rest = text.partition("\n")
    if first.rstrip() != _RULE or not newline:
        raise UnreadableFile(f"it begins with a line of {_RULE} ahead of the fields.")
    lines = rest.split("\n")
    for place, line in enumerate(lines):
        if line.rstrip() == _RULE:
            below = "\n".join(lines[place + 1 :])
            return "\n".join(lines[:place]), below.removeprefix("\n").removesuffix("\n")
    raise UnreadableFile(f"a line of {_RULE} ends the fields.")


def _mapping(head: str) -> dict[str, Any]:
    try:
        said = yaml.load(head, Loader=_Loader)  # noqa: S506 - makes texts, lists and maps alone
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 2}" if mark is not None else ""
        raise UnreadableFile(f"its fields are no YAML{line}.") from None
    if not isinstance(said, dict) or not all(isinstance(name, str) for name in said):
        raise UnreadableFile("its fields stand as name: value, one a line.")
    return said


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        if name == "labels":
            return labels_text(labels_of(value))
        if name == "archived":
            return _archived(value)
        return "" if value in {"null", "~"} and name not in {"title", KEY} else value
    if name == "labels" and isinstance(value, list) and all(isinstance(n, str) for n in value):
        if any("," in label for label in value):
            raise UnreadableFile("labels: no name of a label has a comma.")
        return labels_text(label.strip() for label in value if label.strip())
    raise UnreadableFile(f"{name}: this is one text.")


def _archived(value: str) -> str:
    if value.lower() in {"true", "yes"}:
        return "true"
    if value.lower() in {"", "false", "no", "null", "~"}:
        return ""
    raise UnreadableFile("archived: true or false.")
