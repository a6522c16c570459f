"""Values of JSON as text, whatever stands where a text should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any, Final

from tidemill.board.imports.models import Remark

_NAMES: Final = ("displayName", "name", "fullName", "title", "login", "username", "value", "key")
_BLOCKS: Final = frozenset(
    ("p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "blockquote", "pre")
)
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
        return "".join(_written(value, 0)).strip()
    text = text_of(value)
    if not text.lstrip().startswith("<"):
        return text
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts).strip()


def _written(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    if depth > _depth_max:
        return
    kind = node.get("type")
    if kind == "listItem":
        yield "- "
    if kind == "hardBreak":
        yield "\n"
    attributes = node.get("attrs")
    yield text_of(node.get("text")) or text_of(inside(attributes, "text"))
    for child in dicts(node.get("content")):
        yield from _written(child, depth + 1)
    if kind in _LINE_ENDS:
        yield "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "br":
            self.parts.append("\n")
        if tag == "li":
            self.parts.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _is_scalar(value: Any) -> bool:
    return value != "" and isinstance(value, str | int | float) and not isinstance(value, bool)
