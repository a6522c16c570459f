"""What an alias may say."""

from __future__ import annotations

from typing import Any

import pytest

from tidemill.llm.aliases.models import (
    Deployment,
    Parameters,
    valid_deployments,
    valid_name,
    valid_parameters,
)
from tidemill.llm.contract import ProviderId
from tidemill.llm.errors import InvalidAlias

ONE = Deployment(provider_id=ProviderId("p"), model="m")


def test_parameters_keep_what_is_given_and_nothing_else() -> None:
    assert valid_parameters({"temperature": 1, "stop": ["."]}) == Parameters(
        temperature=1.0, stop=["."]
    )


@pytest.mark.parametrize(
    ("given", "param", "told"),
    [
        ({"temprature": 1}, "parameters.temprature", "Did you mean temperature?"),
        ({"model": "m"}, "parameters.model", "There are temperature"),
        ({"temperature": 3}, "parameters", "temperature: Expected a number of at most 2"),
        ({"stop": ["a"] * 5}, "parameters", "Expected a list of at most 4"),
    ],
)
def test_parameters_that_no_model_takes_are_refused(
    given: dict[str, Any], param: str, told: str
) -> None:
    with pytest.raises(InvalidAlias) as refused:
        valid_parameters(given)

    assert refused.value.param == param
    assert told in refused.value.message


@pytest.mark.parametrize("name", ["", "a/b", "a b", "-a", "ä", "a" * 129])
def test_names_that_could_be_a_providers_model_are_refused(name: str) -> None:
    with pytest.raises(InvalidAlias):
        valid_name(name)


@pytest.mark.parametrize(
    "deployments",
    [(), (ONE, ONE), (ONE,) * 17, (Deployment(provider_id=ProviderId("p"), model="a b"),)],
)
def test_deployments_that_cannot_be_asked_are_refused(deployments: tuple[Deployment, ...]) -> None:
    with pytest.raises(InvalidAlias):
        valid_deployments(deployments)
