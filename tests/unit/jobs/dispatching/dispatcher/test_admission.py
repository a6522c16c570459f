"""Who may be a worker, under which name, and with which rights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec import structs

from tidemill.core.errors import Forbidden, Unauthenticated, Unavailable
from tidemill.identity import WorkerRights
from tidemill.jobs.dispatching.dispatcher.admission import (
    EVERYTHING,
    NotAdmitted,
    Strangers,
    by_secret,
    by_token,
    refusals_max,
    refusals_seconds,
)
from tidemill.jobs.protocol.messages import Hello, RegisteredFunction, protocol_version

pytestmark = pytest.mark.anyio

HELLO = Hello(
    version=protocol_version,
    worker_id="w",
    secret="the secret",
    host="h",
    slots=1,
    tags=("cpu",),
    isolations=(),
)
FUNCTION = RegisteredFunction(name="shop.tasks:pay", schema="{}")


class Tokens:
    """One token, or one failure."""

    def __init__(self, found: WorkerRights | Exception) -> None:
        self._found = found

    async def rights(self, text: str) -> WorkerRights:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    async def still_valid(self, token_ids: Iterable[str]) -> frozenset[str]:
        return frozenset(token_ids)


def _rights(**fields: Any) -> WorkerRights:
    return WorkerRights(token_id="t", name="site-b", **fields)


async def _refusal(found: WorkerRights | Exception, hello: Hello = HELLO) -> NotAdmitted:
    tokens = Tokens(found)
    with pytest.raises(NotAdmitted) as caught:
        await by_token(lambda: tokens)(hello)
    return caught.value


async def test_by_secret_admits_to_everything_under_its_own_name() -> None:
    assert await by_secret(lambda secret: secret == "the secret")(HELLO) == (HELLO, EVERYTHING)


async def test_by_secret_refuses_another_secret() -> None:
    with pytest.raises(NotAdmitted, match="secret is wrong"):
        await by_secret(lambda _: False)(HELLO)


async def test_by_token_names_the_worker_after_its_token() -> None:
    tokens = Tokens(_rights(tenants=("acme",)))

    hello, rights = await by_token(lambda: tokens)(HELLO)

    assert hello.worker_id == "w@site-b"
    assert (rights.token_id, rights.tenants) == ("t", ("acme",))


async def test_by_token_refuses_tags_that_the_token_does_not_allow() -> None:
    refused = await _refusal(_rights(tags=("gpu",)))

    assert "is for the tags gpu, not for cpu" in str(refused)
    assert not refused.is_guess


async def test_by_token_admits_some_of_the_allowed_tags() -> None:
    tokens = Tokens(_rights(tags=("cpu", "gpu")))

    hello, _ = await by_token(lambda: tokens)(HELLO)

    assert hello.tags == ("cpu",)


async def test_by_token_refuses_functions_of_a_worker_for_some_tenants() -> None:
    hello = structs.replace(HELLO, functions=(FUNCTION,))

    assert "functions are called by all" in str(await _refusal(_rights(tenants=("acme",)), hello))


async def test_by_token_refuses_a_worker_without_a_name() -> None:
    refused = await _refusal(_rights(), structs.replace(HELLO, worker_id=""))

    assert "name has 1 to 100 characters" in str(refused)


@pytest.mark.parametrize(
    ("failure", "is_guess"),
    [(Unauthenticated("unknown"), True), (Forbidden("ended"), False), (Unavailable("away"), False)],
)
async def test_by_token_takes_only_unknown_tokens_for_guesses(
    failure: Exception, is_guess: bool
) -> None:
    refused = await _refusal(failure)

    assert refused.is_guess is is_guess
    assert str(failure) in str(refused)


async def test_by_token_refuses_where_nobody_knows_tokens() -> None:
    with pytest.raises(NotAdmitted, match="knows no worker tokens"):
        await by_token(lambda: None)(HELLO)


def test_strangers_keep_an_address_out_after_many_guesses_for_a_while() -> None:
    now = 0.0
    strangers = Strangers(lambda: now)
    for _ in range(refusals_max - 1):
        strangers.refused("10.0.0.1")
    assert strangers.may_enter("10.0.0.1")

    strangers.refused("10.0.0.1")

    assert not strangers.may_enter("10.0.0.1")
    assert strangers.may_enter("10.0.0.2")
    now = refusals_seconds + 1
    assert strangers.may_enter("10.0.0.1")
