from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limit_errors import LimitKeyUnclear
from tidemill.jobs.limits.keys import arguments_in, check_template, digest, key_chars_max, render

ARGS = {"customer": 7, "name": "Ada", "deep": {"port": "Cuxhaven"}, "on": True, "many": [1]}


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("all", "all"),
        ("c-{args.customer}", "c-7"),
        ("{args.name}/{args.deep.port}", "Ada/Cuxhaven"),
        ("{args.on}", "true"),
    ],
)
def test_render_fills_places(template: str, key: str) -> None:
    assert render(template, ARGS, param="key") == key


@pytest.mark.parametrize("place", ["args.port", "args.deep.other", "args.name.first", "args.many"])
def test_render_refuses_what_the_arguments_lack(place: str) -> None:
    with pytest.raises(LimitKeyUnclear, match="key: "):
        render(f"{{{place}}}", ARGS, param="key")


@pytest.mark.parametrize("template", ["", " ", "{customer}", "{args}", "{args.x", "}", "a" * 201])
def test_check_template_refuses_what_is_no_key(template: str) -> None:
    with pytest.raises(InvalidJobField, match="customer-"):
        check_template(template, param="limits.rate.key")


def test_arguments_in_names_them() -> None:
    assert list(arguments_in("{args.deep.port}-{args.name}")) == ["deep", "name"]


@given(first=st.text(), second=st.text())
def test_render_keeps_keys_apart_and_printable(first: str, second: str) -> None:
    keys = [render("{args.x}", {"x": text}, param="key") for text in (first, second)]

    assert (keys[0] == keys[1]) == (first == second)
    assert all(key.isprintable() and len(key) <= key_chars_max for key in keys)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=4))
def test_digest_ignores_the_order_of_members(args: dict[str, Any]) -> None:
    turned = dict(reversed(list(args.items())))

    assert digest("scope", args) == digest("scope", turned)
