from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.markdown import html_of, names_in, render, rendered_chars_max

_SCHEMES = ("http:", "https:", "mailto:")
_ATTRIBUTES = {
    "a": {"href", "title", "rel"},
    "code": {"class"},
    "ol": {"start"},
    "span": {"class", "data-user-id"},
    "td": {"style"},
    "th": {"style"},
}
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


class _Wall(HTMLParser):
    """Reads HTML as a browser would, and notes whatever may not be there."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.deepest = 0
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._depth += tag not in {"br", "hr"}
        self.deepest = max(self.deepest, self._depth)
        if tag not in _TAGS:
            self.wrong.append(tag)
        for name, value in attrs:
            if name not in _ATTRIBUTES.get(tag, set()):
                self.wrong.append(f"{tag} {name}")
            if name == "style" and not re.fullmatch(r"text-align:(left|right|center)", value or ""):
                self.wrong.append(f"{tag} {name}={value}")
            scheme = re.match(r"[a-z][a-z0-9+.-]*:", (value or "").strip().lower())
            if name == "href" and scheme and scheme[0] not in _SCHEMES:
                self.wrong.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= 1


def _wall(html: str) -> _Wall:
    wall = _Wall()
    wall.feed(html)
    return wall


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<ScRiPt src=//evil.example></sCrIpT>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)><animate onbegin=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<a href='javascript:alert(1)'>x</a>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](\x01javascript:alert(1))",
        "[x](vbscript:msgbox(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
        '![x](https://e.org/x.png" onerror="alert(1))',
        '[x](https://e.org "a\\" onclick=alert(1) x=\\"")',
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "[x][y]\n\n[y]: data:text/html,<script>alert(1)</script>",
        '```"><script>alert(1)</script>\nx\n```',
        "```x onload=alert(1)\nx\n```",
        "| a |\n|:-:|\n| <b onclick=alert(1)>x</b> |",
        "<!-- --><style>*{background:url(//evil)}</style>",
        "@ada<script>alert(1)</script>",
        'https://e.org/"onmouseover=alert(1)',
        "https://e.org/<script>alert(1)</script>",
        "`<script>`alert(1)`</script>`",
        "<p/id=x style=position:fixed>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_render_lets_nothing_run(text: str) -> None:
    wall = _wall(render(text, {"ada": '"><script>alert(1)</script>'}))

    assert wall.wrong == []


@given(
    st.lists(
        st.sampled_from(
            [
                *"<>&\"'`*_[]()!#|\\@:/\n -~=1.a",
                "javascript:", "data:", "<script", "onerror=", "](", "```", "https://", "&#", "> ",
            ]
        ),
        max_size=60,
    ).map("".join)
)  # fmt: skip
def test_render_of_any_text_shows_only_what_may_be_there(text: str) -> None:
    assert _wall(render(text, {"a": "u"})).wrong == []


@pytest.mark.parametrize("mark", ["> ", "- ", "* > ", "1. ", "[", "**", "~~", "(", "`", "![["])
def test_render_of_deep_nesting_stays_shallow(mark: str) -> None:
    html = render(mark * (rendered_chars_max // 4 // len(mark)) + "x")

    assert _wall(html).deepest < 50


@pytest.mark.parametrize("mark", ["[", "<b>", "x\n", "@ada "])
def test_render_of_a_megabyte_shows_it_as_it_is_written(mark: str) -> None:
    html = render(mark * (1_000_000 // len(mark)), {"ada": "u"})

    assert _wall(html).wrong == []
    assert "mention" not in html
    assert len(html) < 5_000_000


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** _b_ ~~c~~", "<p><strong>a</strong> <em>b</em> <s>c</s></p>"),
        ("a\nb", "<p>a<br>\nb</p>"),
        ("# A", "<h1>A</h1>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>"),
        ("```py\nx\n```", '<pre><code class="language-py">x\n</code></pre>'),
        ("a <b>", "<p>a &lt;b&gt;</p>"),
        (
            "![gauge](https://e.org/x.png)",
            '<p>!<a href="https://e.org/x.png" rel="nofollow noopener noreferrer">gauge</a></p>',
        ),
        (
            "(https://e.org/?b=c).",
            '<p>(<a href="https://e.org/?b=c" rel="nofollow noopener noreferrer">https://e.org/?b=c</a>).</p>',
        ),
        (
            "[mail](mailto:a@b.org)",
            '<p><a href="mailto:a@b.org" rel="nofollow noopener noreferrer">mail</a></p>',
        ),
    ],
)
def test_render_writes_what_people_mean(text: str, html: str) -> None:
    assert render(text).strip() == html


def test_render_marks_those_who_are_mentioned_and_no_others() -> None:
    html = render("@ada, @bob and [@ada](https://e.org) `@ada`", {"ada": "u1"})

    assert html.count("data-user-id") == 1
    assert '<span class="mention" data-user-id="u1">@ada</span>, @bob' in html


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada", ("ada",)),
        ("@Ada.Lovelace. @ada-l, @ada_l!", ("Ada.Lovelace", "ada-l", "ada_l")),
        ("(@ada) **@bob** @ada", ("ada", "bob")),
        ("@Ærøskøbing @李", ("Ærøskøbing", "李")),
        ("a@ada.org x/@ada @@ada \\@ada", ()),
        ("`@ada`\n\n    @ada\n\n```\n@ada\n```", ()),
        ("[@ada](https://e.org) <https://e.org/@ada> https://e.org/@ada", ()),
        ("@ " * 10 + "@-", ()),
        (" ".join(f"@a{n}" for n in range(60)), tuple(f"a{n}" for n in range(50))),
        ("@ada " + "x" * rendered_chars_max, ()),
    ],
)
def test_names_in_finds_what_stands_behind_an_at(text: str, names: tuple[str, ...]) -> None:
    assert names_in(text) == names


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "html"),
    [
        (None, None),
        ("**a**", "<p><strong>a</strong></p>\n"),
        ("a" * 600, f"<p>{'a' * 600}</p>\n"),
    ],
)
async def test_html_of_short_and_long_texts(text: str | None, html: str | None) -> None:
    assert await html_of(text) == html
