from __future__ import annotations

import base64
import hashlib
import re

from tidemill.http.pages import Field, Form, form_page, message_page

HOSTILE = "\"><script>alert('x')</script>"


def test_form_page_escapes_everything_that_people_typed() -> None:
    form = Form(
        title=HOSTILE,
        text=HOSTILE,
        action="/setup",
        button=HOSTILE,
        hidden={"ticket": HOSTILE},
        fields=(Field(name="name", label=HOSTILE, value=HOSTILE, hint=HOSTILE),),
    )

    page = form_page(form, problem=HOSTILE)

    assert "<script" not in page.content
    assert page.content.count("&lt;script&gt;") == 9


def test_form_page_ties_each_label_to_its_input() -> None:
    form = Form(
        title="T", text="t", action="/", button="b", fields=(Field(name="email", label="E-mail"),)
    )

    assert '<label for="email">' in form_page(form).content
    assert 'id="email"' in form_page(form).content


def test_message_page_allows_its_own_style_only() -> None:
    page = message_page("Title", "Text")
    style = re.search(r"<style>(.*?)</style>", page.content, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()

    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]
    assert "prefers-color-scheme:dark" in style[1]
