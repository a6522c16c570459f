"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

from tests.architecture.sources import functions, python_files, relative

file_lines_max = 400
function_lines_max = 60

FOLDERS = ("src", "tests", "examples", "benchmarks")


def test_files_have_at_most_400_lines() -> None:
    long = {
        relative(file): lines
        for file in python_files(*FOLDERS)
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > file_lines_max
    }

    assert long == {}, "find the second noun of each and give it a file"


def test_functions_have_at_most_60_lines() -> None:
    long = {
        f"{relative(file)}:{function.lineno} {function.name}": lines
        for file in python_files(*FOLDERS)
        for function in functions(file)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > function_lines_max
    }

    assert long == {}
