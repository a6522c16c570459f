from __future__ import annotations

import pytest

from tidemill.jobs.code.variables.models import checked_value, resource_path, value_bytes_max
from tidemill.jobs.resource_errors import InvalidResourcePath, VariableInvalid


def test_resource_path_refuses_the_one_that_could_not_be_read() -> None:
    with pytest.raises(VariableInvalid, match="'value' alone is taken"):
        resource_path("/value")
    assert resource_path("mail/value") == "mail/value"


@pytest.mark.parametrize("path", ["a b", "/", "a//b", "../a"])
def test_resource_path_refuses_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidResourcePath):
        resource_path(path)


@pytest.mark.parametrize(
    "value", ["é" * (value_bytes_max // 2) + "x", "x\0y", "\ud800"], ids=["large", "nul", "half"]
)
def test_checked_value_refuses_what_no_database_keeps(value: str) -> None:
    with pytest.raises(VariableInvalid) as refused:
        checked_value(value)

    assert refused.value.param == "value"


def test_checked_value_takes_text_up_to_its_limit() -> None:
    text = "é" * (value_bytes_max // 2)

    assert checked_value(text) == text
