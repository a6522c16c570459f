"""Values of JSON as text, whatever stands where a text should be."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tidemill.board.imports.models import Remark

_NAMES: Final = ("displayName", "name", "fullName", "title", "login", "username", "value", "key")
_BLOCKS: Final = frozenset(
    ("p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "blockquote", "pre")
)
# What editors of other tools write; everything else in angle brackets is what somebody typed.
_ELEMENTS: Final = _BLOCKS | {
    "a", "abbr", "b", "body", "br", "code", "col", "colgroup", "dd", "del", "dl", "dt", "em",
    "figure", "font", "hr", "html", "i", "img", "input", "ins", "kbd", "label", "mark", "mention",
    "mention-component", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody",
    "td", "tfoot", "th", "thead", "u",
}  # fmt: skip
_ALONE: Final = frozenset({"br", "hr", "img", "input"})
_INSTEAD: Final = {"br": "\n", "li": "- "}
# No part gives back what it took: hostile texts take no longer than others of their length.
_TAG: Final = re.compile(r"<(?:(/?)([A-Za-z][A-Za-z0-9-]*+)|[!?])[^<>]*+>")
_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,7}|#[Xx][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_COMMENT: Final = ("<!--", "-->")
_depth_max: Final = 100
_LINE_ENDS: Final = frozenset(("paragraph", "heading", "codeBlock", "blockquote", "listItem"))


def text_of(value: Any) -> str:
    """Return a text, a number, or the name of an object; nothing of anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        try:
            return str(value)
        except ValueError:
            # Python writes no numbers of more than 4,300 digits.
            return "a number of too many digits"
    if isinstance(value, dict):
        return next((text_of(value[name]) for name in _NAMES if _is_scalar(value.get(name))), "")
    return ""


def cells_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return each value as text; of lists, which have none, only that they hold something."""
    return {
        name: "…" if isinstance(value, list) and value else text_of(value)
        for name, value in entry.items()
    }


def dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list, and nothing of anything else."""
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def inside(value: Any, name: str) -> Any:
    """Return a value of an object; None when it is no object, or has none."""
    return value.get(name) if isinstance(value, dict) else None


def names_in(value: Any) -> tuple[str, ...]:
    """Return the texts, or the names of the objects, of a list; a text alone is parted."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if not isinstance(value, list):
        return ()
    return tuple(name for each in value if (name := text_of(each).strip()))


def remarks_of(value: Any, text: str, author: str, at: str) -> tuple[Remark, ...]:
    """Return the comments of a list of objects with these names of their parts."""
    return tuple(
        Remark(body, text_of(each.get(author)) or None, text_of(each.get(at)) or None)
        for each in dicts(value)
        if (body := rich_text(each.get(text)).strip())
    )


def rich_text(value: Any) -> str:
    """Return a text; of Atlassian's document format, and of HTML, what people read."""
    if isinstance(value, dict):
        parts: list[str] = []
        _write(value, 0, parts)
        return "".join(parts).strip()
    text = text_of(value)
    if not _is_html(text):
        return text
    seen = _TAG.sub(_instead, _without_comments(text))
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), seen).strip()


def _is_html(text: str) -> bool:
    """Return whether `text` begins with an element that stands alone or is closed later on."""
    begin = text.lstrip()
    if begin.startswith(_COMMENT[0]):
        begin = _without_comments(begin).lstrip()
    tag = _TAG.match(begin)
    if tag is None or tag[1]:
        return False
    name = (tag[2] or "").lower()
    if not name:
        return begin[1] == "!"
    return name in _ELEMENTS and (name in _ALONE or f"</{name}" in begin.lower())


def _write(node: Mapping[str, Any], depth: int, parts: list[str]) -> None:
    if depth > _depth_max:
        return
    kind = text_of(node.get("type"))
    if kind == "listItem":
        parts.append("- ")
    if kind == "hardBreak":
        parts.append("\n")
    attributes = node.get("attrs")
    parts.append(text_of(node.get("text")) or text_of(inside(attributes, "text")))
    for child in dicts(node.get("content")):
        _write(child, depth + 1, parts)
    if kind in _LINE_ENDS:
        parts.append("\n")


def _instead(tag: re.Match[str]) -> str:
    is_end, name = bool(tag[1]), (tag[2] or "").lower()
    if name and name not in _ELEMENTS:
        return tag[0]
    if is_end:
        return "\n" if name in _BLOCKS else ""
    return _INSTEAD.get(name, "")


def _without_comments(text: str) -> str:
    begin, end = _COMMENT
    parts: list[str] = []
    rest = 0
    while (start := text.find(begin, rest)) >= 0:
        stop = text.find(end, start + len(begin))
        if stop < 0:
            break
        parts.append(text[rest:start])
        rest = stop + len(end)
    return "".join((*parts, text[rest:]))


def _is_scalar(value: Any) -> bool:
    return value != "" and isinstance(value, str | int | float) and not isinstance(value, bool)
