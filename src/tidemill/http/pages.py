"""The few pages that work before there is anything else: plain HTML, no scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from litestar import Response
from msgspec import Struct

_STYLE: Final = """
:root{color-scheme:light dark;--ground:#f5f6f8;--card:#fff;--ink:#1a2230;--soft:#5b6675;
--line:#d5dae1;--accent:#0b63ce;--on-accent:#fff;--bad:#b3261e;--bad-ground:#fdecea}
@media(prefers-color-scheme:dark){:root{--ground:#10141a;--card:#181e27;--ink:#e8ecf2;
--soft:#9aa6b6;--line:#313a47;--accent:#6cb0ff;--on-accent:#08131f;--bad:#ffb4ab;
--bad-ground:#3b1513}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;
background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:27rem;background:var(--card);border:1px solid var(--line);
border-radius:14px;padding:32px}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 6px}
p{margin:0 0 20px;color:var(--soft)}
label{display:block;font-weight:600;font-size:.9rem;margin:16px 0 6px}
small{display:block;color:var(--soft);margin-top:5px}
input{width:100%;font:inherit;color:inherit;background:var(--ground);padding:10px 12px;
border:1px solid var(--line);border-radius:8px}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--accent);
outline-offset:2px}
button{width:100%;margin-top:26px;padding:12px;font:inherit;font-weight:600;border:0;
border-radius:8px;background:var(--accent);color:var(--on-accent);cursor:pointer}
.bad{background:var(--bad-ground);color:var(--bad);border-radius:8px;padding:10px 12px;
margin:0 0 8px}
code{overflow-wrap:anywhere}
pre{margin:0;padding:12px;border-radius:8px;background:var(--ground);font-size:.85rem;
white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    # The address holds a secret, which no other site may learn. Under `no-referrer` browsers would
    # send the form with `Origin: null`, which is refused as another site's.
    "referrer-policy": "same-origin",
}


class Field(Struct, frozen=True, kw_only=True):
    """One input of a form."""

    name: str
    label: str
    type: str = "text"
    autocomplete: str = "off"
    hint: str = ""
    length_max: int = 320
    value: str = ""


class Form(Struct, frozen=True, kw_only=True):
    """A page with one form."""

    title: str
    text: str
    action: str
    button: str
    fields: Sequence[Field]
    hidden: Mapping[str, str] = {}


def form_page(form: Form, *, problem: str | None = None, status_code: int = 200) -> Response[str]:
    """Return a page with a form, and what was wrong with the last attempt."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in form.hidden.items()
    )
    inputs = "".join(_input(field) for field in form.fields)
    alert = f'<div class="bad" role="alert">{escape(problem)}</div>' if problem else ""
    body = (
        f"<h1>{escape(form.title)}</h1><p>{escape(form.text)}</p>{alert}"
        f'<form method="post" action="{escape(form.action)}">{hidden}{inputs}'
        f"<button>{escape(form.button)}</button></form>"
    )
    return _page(form.title, body, status_code)


def message_page(
    title: str, text: str, *, command: str = "", status_code: int = 200
) -> Response[str]:
    """Return a page that says something, and shows a `command` to copy."""
    shown = f"<pre><code>{escape(command)}</code></pre>" if command else ""
    return _page(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>{shown}", status_code)


def _input(field: Field) -> str:
    name = escape(field.name)
    hint = f'<small id="{name}-hint">{escape(field.hint)}</small>' if field.hint else ""
    described = f' aria-describedby="{name}-hint"' if field.hint else ""
    return (
        f'<label for="{name}">{escape(field.label)}</label>'
        f'<input id="{name}" name="{name}" type="{escape(field.type)}" required '
        f'maxlength="{field.length_max}" autocomplete="{escape(field.autocomplete)}" '
        f'value="{escape(field.value)}"{described}>{hint}'
    )


def _page(title: str, body: str, status_code: int) -> Response[str]:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Tidemill</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )
    return Response(
        html,
        status_code=status_code,
        headers=_HEADERS,
        media_type="text/html",
    )
