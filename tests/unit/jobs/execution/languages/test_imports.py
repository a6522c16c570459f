from __future__ import annotations

import pytest

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.imports import imports_of

MAIN = "\ndef main():\n    pass\n"


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("from .helper import x", [("f/a/helper/x", "f/a/helper")]),
        ("from . import helper", [("f/a/helper",)]),
        ("from ..b.helper import x", [("f/b/helper/x", "f/b/helper")]),
        ("from f.b.helper import x", [("f/b/helper/x", "f/b/helper")]),
        ("import f.b.helper", [("f/b/helper",)]),
        ("import os, json\nfrom collections import abc\nfrom tidemill import context", []),
    ],
)
def test_imports_of_python_name_the_paths_that_are_meant(
    text: str, candidates: list[tuple[str, ...]]
) -> None:
    found = imports_of("python", text + MAIN, "f/a/script")

    assert [one.candidates for one in found] == candidates


def test_imports_of_typescript_leave_the_ending_out() -> None:
    text = 'import { x } from "../b/helper.ts";\nexport function main() {}'

    (found,) = imports_of("typescript", text, "f/a/script")

    assert (found.candidates, found.optional) == (("f/b/helper",), False)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("from .helper import x", None, "Code in place"),
        ("from ....helper import x", "f/a/script", "above the root"),
    ],
)
def test_imports_of_python_refuse_what_leads_nowhere(
    text: str, path: str | None, message: str
) -> None:
    with pytest.raises(ScriptInvalid, match=message):
        imports_of("python", text + MAIN, path)
