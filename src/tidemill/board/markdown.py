"""Markdown as people write it, and HTML that is safe to show: the one place that makes any.

The parser takes no HTML, and what it writes is cleaned once more by a list of what may be there.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

RENDERER: Final = 1
"""Raised with each change of what is written here: HTML that was kept is then made anew."""

# Some texts take a hundred times as long as others: 20,000 characters of brackets half a second.
rendered_chars_max: Final = 20_000
names_max: Final = 50
_at_once_chars_max: Final = 500
_kept_texts_max: Final = 1_024

_ADDRESS: Final = r"(?<![\w@])(?P<address>https?://[^\s<>\"'`|\\]{1,2000})"
# Neither the end of an e-mail address nor a part of a path.
_MENTION: Final = r"(?<![\w@./+-])@(?P<name>\w(?:[\w.-]{0,98}\w)?)"
_FOUND: Final = re.compile(f"{_ADDRESS}|{_MENTION}")
_LANGUAGE: Final = re.compile(r"language-[A-Za-z0-9_+#.-]{1,40}")
_TAGS: Final = (
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong "
    "table tbody td th thead tr ul"
)


def render(text: str, mentions: Mapping[str, str] | None = None) -> str:
    """Return `text` as HTML; `mentions` are ids of users by the names that stand behind an @.

    A text that is longer than is worth its time comes as it is written.
    """
    if len(text) > rendered_chars_max:
        return f"<p>{html.escape(text)}</p>"
    return _CLEANER.clean(_PARSER.render(text, {"mentions": mentions or {}}))


async def html_of(text: str | None) -> str | None:
    """Return a text without mentions as HTML, from memory where it was made lately."""
    if text is None:
        return None
    if len(text) <= _at_once_chars_max:
        return _kept(text)
    return await asyncio.to_thread(_kept, text)


def names_in(text: str) -> tuple[str, ...]:
    """Return what stands behind an @ in `text`, once each: neither in code nor in links."""
    if "@" not in text or len(text) > rendered_chars_max:
        return ()
    names: dict[str, None] = {}
    _PARSER.parse(text, {"mentions": {}, "names": names})
    return tuple(names)[:names_max]


@lru_cache(maxsize=_kept_texts_max)
def _kept(text: str) -> str:
    return render(text)


def _find(state: StateCore) -> None:
    """Make links of addresses, and mentions of names, in the texts between all other marks."""
    mentions, names = state.env["mentions"], state.env.get("names")
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = list(_split(token.children, mentions, names))


def _split(
    tokens: Sequence[Token], mentions: Mapping[str, str], names: dict[str, None] | None
) -> Iterator[Token]:
    links = 0
    for token in tokens:
        links += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type != "text" or links:
            yield token
            continue
        end = 0
        for match in _FOUND.finditer(token.content):
            if names is not None and match["name"]:
                names[match["name"]] = None
            made, length = _made(match, mentions)
            if made:
                yield _text(token.content[end : match.start()])
                yield from made
                end = match.start() + length
        yield _text(token.content[end:]) if end else token


def _made(match: re.Match[str], mentions: Mapping[str, str]) -> tuple[list[Token], int]:
    """Return what stands instead of the match, and how many characters it replaces."""
    if name := match["name"]:
        user_id = mentions.get(name)
        if user_id is None:
            return [], 0
        return [Token("mention", "", 0, content=name, meta={"user_id": user_id})], len(name) + 1
    address = _without_what_ends_sentences(match["address"])
    link = Token("link_open", "a", 1, attrs={"href": _PARSER.normalizeLink(address)})
    return [link, _text(address), Token("link_close", "a", -1)], len(address)


def _without_what_ends_sentences(address: str) -> str:
    shorter = address.rstrip(".,:;!?*_~")
    while shorter.endswith(")") and shorter.count(")") > shorter.count("("):
        shorter = shorter[:-1].rstrip(".,:;!?*_~")
    return shorter


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _mention(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: Any,
    env: MutableMapping[str, Any],
) -> str:
    del renderer, options, env
    token = tokens[index]
    user_id, name = html.escape(token.meta["user_id"]), html.escape(token.content)
    return f'<span class="mention" data-user-id="{user_id}">@{name}</span>'


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name != "class":
        return value
    is_ours = _LANGUAGE.fullmatch(value) if tag == "code" else value == "mention"
    return value if is_ours else None


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    # An image would tell a stranger's server who reads; what it points at becomes a link.
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.core.ruler.after("inline", "find", _find)
    parser.add_render_rule("mention", _mention)
    return parser


_PARSER: Final = _parser()
_CLEANER: Final = nh3.Cleaner(
    tags=set(_TAGS.split()),
    attributes={
        "a": {"href", "title"},
        "code": {"class"},
        "ol": {"start"},
        "span": {"class", "data-user-id"},
        "td": {"style"},
        "th": {"style"},
    },
    attribute_filter=_attribute,
    filter_style_properties={"text-align"},
    link_rel="nofollow noopener noreferrer",
    url_schemes={"http", "https", "mailto"},
)
