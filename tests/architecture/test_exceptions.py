"""An exception to a rule names the rule, and where it may surprise, the reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.architecture.sources import python_files, relative

IGNORE: Final = re.compile(r"#\s*type:\s*ignore(?P<code>\[[a-z0-9, -]+\])?")
NOQA: Final = re.compile(r"#\s*noqa(?P<codes>:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*)?(?P<rest>.*)")
reason_length_min = 4


def test_type_ignores_name_their_code() -> None:
    bare = [
        f"{relative(file)}:{number}"
        for file in python_files("src", "tests", "examples")
        for number, line in _lines(file)
        for match in IGNORE.finditer(line)
        if not match["code"]
    ]

    assert bare == []


def test_noqas_name_their_rule_and_reason() -> None:
    """Q38, as far as a machine can see it: whoever breaks a rule says why."""
    bare = [
        f"{relative(file)}:{number}: {match[0].strip()}"
        for file in python_files("src")
        for number, line in _lines(file)
        for match in NOQA.finditer(line)
        if not match["codes"] or len(match["rest"].strip(" -:")) < reason_length_min
    ]

    assert bare == [], "write `# noqa: RULE - why that is right here`"


def test_type_ignores_are_rare() -> None:
    """At most five in 10,000 lines."""
    files = python_files("src")
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    ignores = sum(1 for f in files for _, line in _lines(f) if IGNORE.search(line))

    assert ignores <= max(5, lines * 5 / 10_000)


def _lines(file: Path) -> list[tuple[int, str]]:
    if file == Path(__file__).resolve():
        return []
    return list(enumerate(file.read_text(encoding="utf-8").splitlines(), start=1))
