"""Tests and documents lie where those who look for them expect them."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.architecture.sources import ROOT, functions, python_files, relative

# What, and in which case or with what outcome.
_NAME: Final = re.compile(r"test_[a-z0-9]+(_[a-z0-9]+)+")


@pytest.mark.parametrize("folder", ["unit", "integration", "e2e", "fixtures"])
def test_tests_have_their_folder(folder: str) -> None:
    """Q35."""
    assert any((ROOT / "tests" / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", ["adr", "api", "deployment"])
def test_documents_have_their_folder(folder: str) -> None:
    """Q39; that those in `docs/api` are current is `test_documents_are_current`."""
    assert any(file.is_file() for file in (ROOT / "docs" / folder).iterdir())


def test_names_of_tests_say_of_what_and_which_case() -> None:
    """Q36."""
    files = [file for file in python_files("tests") if file.name.startswith("test_")]
    tests = [
        f"{relative(file)}::{function.name}"
        for file in files
        for function in functions(file)
        if function.name.startswith("test_") and not _NAME.fullmatch(function.name)
    ]

    assert tests == []
