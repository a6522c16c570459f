"""`tidemill.errors`: what programs catch, by name, at little cost."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tidemill
from tidemill import context, errors

_SHOW_LOADED = """
import sys
import tidemill.errors
print(*sorted(name for name in sys.modules if name.startswith("tidemill.")))
"""


@pytest.mark.parametrize("name", errors.__all__)
def test_errors_integration_offer_the_class_of_each_name(name: str) -> None:
    assert issubclass(getattr(errors, name), Exception)
    assert getattr(errors, name).__name__ == name


def test_errors_integration_have_one_home_each() -> None:
    elsewhere = {*tidemill.__all__, *context.__all__}

    assert elsewhere & set(errors.__all__) == set()


def test_errors_integration_load_nothing_that_runs_a_queue() -> None:
    loaded = subprocess.check_output([sys.executable, "-c", _SHOW_LOADED], text=True).split()

    assert "tidemill.errors" in loaded
    assert [name for name in loaded if name.startswith("tidemill.runtime")] == []


def test_errors_integration_know_no_other_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'JobMislaid'"):
        getattr(errors, "JobMislaid")  # noqa: B009 - type checkers know that it is not there
