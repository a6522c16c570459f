from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tidemill.jobs.code.functions.models import FunctionOptions
from tidemill.jobs.code.functions.registry import (
    FunctionNameTaken,
    ProgramNotLoaded,
    Registry,
    full_name,
    load_program,
)


def send(to: str) -> None:
    del to


def test_full_name_is_module_and_function() -> None:
    assert full_name(send, None) == f"{__name__}:send"
    assert full_name(send, "mail") == f"{__name__}:mail"
    assert full_name(send, "shop.tasks:mail") == "shop.tasks:mail"


def test_full_name_refuses_functions_within_functions() -> None:
    def inner() -> None:
        return None

    with pytest.raises(ValueError, match="declare it at the top of a module"):
        full_name(inner, None)


def test_declare_refuses_a_second_function_of_one_name() -> None:
    registry = Registry()
    registry.declare(send, "shop:send", FunctionOptions())

    with pytest.raises(FunctionNameTaken, match="shop:send is declared twice"):
        registry.declare(subprocess.getoutput, "shop:send", FunctionOptions())


def test_declare_takes_a_module_that_is_loaded_again() -> None:
    registry = Registry()

    first = registry.declare(send, None, FunctionOptions(priority=1))
    registry.declare(send, None, FunctionOptions(priority=2))

    assert registry.get(first).options.priority == 2


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module_here", "No module named 'no_such_module_here'"),
        ("json:nothing", "The module json has no nothing"),
    ],
)
def test_load_program_says_what_is_missing(target: str, reason: str) -> None:
    with pytest.raises(ProgramNotLoaded, match=reason):
        load_program(target)


def test_importing_the_package_stays_cheap() -> None:
    """A web server that only enqueues pays for the queue when it enqueues first."""
    code = (
        "import sys, tidemill\n"
        "@tidemill.job(name='shop:send')\n"
        "def send(to: str) -> None: ...\n"
        "heavy = {'asyncpg', 'litestar', 'structlog', 'uvicorn', 'jsonschema_rs'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"


def test_load_program_tells_the_line_that_is_no_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spoiled_program.py").write_text("x = 1\ny = = 2\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ProgramNotLoaded, match=r"spoiled_program\.py, line 2"):
        load_program("spoiled_program")
