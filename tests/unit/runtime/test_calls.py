"""Webhooks reach public addresses, and those that the operator names (E1)."""

from __future__ import annotations

from typing import cast

import pytest

from tidemill.core.calls import CALLER, Caller
from tidemill.core.config import Config
from tidemill.core.config.sections.reaching import Webhooks
from tidemill.runtime.calls import callers

pytestmark = pytest.mark.anyio


def _caller(*allowed: str) -> Caller:
    return cast("Caller", callers(Config(webhooks=Webhooks(addresses_allowed=allowed)))[CALLER])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]:8080/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest",
        "http://10.1.2.3/",
        "http://0.0.0.0/",
    ],
)
async def test_callers_refuse_what_is_not_public(url: str) -> None:
    refusal = _caller().refusal(url)

    assert refusal is not None
    assert "webhooks.addresses_allowed" in refusal
    assert (await _caller().post(url, {}, b"")).problem == refusal


@pytest.mark.parametrize(
    "url", ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://localhost/"]
)
async def test_callers_refuse_other_ways_to_write_them(url: str) -> None:
    problem = (await _caller().post(url, {}, b"")).problem

    assert problem is not None
    assert "no public address" in problem or "cannot be resolved" in problem


def test_callers_allow_what_the_operator_names() -> None:
    caller = _caller("10.0.0.0/8", "127.0.0.1:8080")

    assert caller.refusal("http://10.1.2.3/") is None
    assert caller.refusal("http://127.0.0.1:8080/") is None
    assert caller.refusal("http://127.0.0.1/") is not None
    assert caller.refusal("https://1.1.1.1/") is None
