from __future__ import annotations

from typing import Any

import pytest

from tidemill.board.imports.sources.values import rich_text


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("<p>High &amp; low</p><ul><li>moon<br/>tide</li></ul>", "High & low\n- moon\ntide"),
        ("<p>a &lt;b&gt; c</p><!-- <p>not said</p> --><p>d</p>", "a <b> c\nd"),
        ("<p>&nbsp;deep &#8230; &#x263A;</p>", "deep … ☺"),
        ("No <b>HTML</b>", "No <b>HTML</b>"),
        ("<3 tides", "<3 tides"),
        ("<Button> is broken", "<Button> is broken"),
        ("<b> of <c>", "<b> of <c>"),
        ("<p>Use <Sluice gate='1'> &amp; <b>not</b> <T></p>", "Use <Sluice gate='1'> & not <T>"),
        ("<hr><p>a</p>", "a"),
        ({"type": ["a list"], "text": "x"}, "x"),
    ],
)
def test_rich_text_is_what_people_read(value: Any, read: str) -> None:
    assert rich_text(value) == read


@pytest.mark.parametrize(
    "part", ["<!--", "<a", "<a x='", "</a", "<![CDATA[", "<?", "<p>&#", "<p>&a"]
)
def test_rich_text_takes_no_longer_where_nothing_ends(part: str) -> None:
    """With time that grows with the square of the length each of these would take minutes."""
    assert len(rich_text(part * 200_000)) <= len(part) * 200_000


def test_rich_text_reads_numbers_of_any_length() -> None:
    assert rich_text(f"<p>&#{'9' * 5_000};</p>") == f"&#{'9' * 5_000};"
