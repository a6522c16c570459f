from __future__ import annotations

import pytest

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.packages.comments import check_comments

WINDMILL = "import rich\n#requirements:\n# rich>=13\n#requests==2.0\n\ndef main(): ...\n"


@pytest.mark.parametrize(
    "text", [WINDMILL, WINDMILL.replace("\n", "\r\n"), WINDMILL.replace("#req", "# extra_req", 1)]
)
def test_check_comments_writes_the_header_that_a_script_lacks(text: str) -> None:
    with pytest.raises(ScriptInvalid) as refused:
        check_comments(text)

    assert refused.value.line == 2
    assert '`# dependencies = ["rich>=13", "requests==2.0"]`' in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        f"# /// script\n# dependencies = ['rich']\n# ///\n{WINDMILL}",
        "# requirements:\n# all that the harbour needs\ndef main(): ...\n",
        "# requirements:\ndef main(): ...\n",
        "# Requirements: a tide\n# rich\n",
    ],
)
def test_check_comments_lets_headers_and_prose_be(text: str) -> None:
    check_comments(text)
