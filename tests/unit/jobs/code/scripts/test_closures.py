from __future__ import annotations

import pytest

from tidemill.jobs.code.scripts.closures import closure
from tidemill.jobs.errors import ScriptInvalid

MAIN = "\ndef main():\n    pass\n"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("from .nope import x", "f/a/nope"),
        ("from . import nope", "f/a/nope"),
        ("from ..b.nope import x, y", "f/b/nope"),
    ],
)
def test_closure_names_the_script_that_is_missing(text: str, missing: str) -> None:
    with pytest.raises(ScriptInvalid, match=f"{missing} is imported") as refused:
        closure("python", text + MAIN, "f/a/script", lambda _: {})

    assert f"{missing}/" not in refused.value.message
