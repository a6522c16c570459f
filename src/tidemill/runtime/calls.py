"""How features call addresses outside: only where the operator lets them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tidemill.core.calls import CALLER
from tidemill.core.config import Config
from tidemill.core.module import Port
from tidemill.infrastructure.calls.http_caller import AddressRefused, HttpCaller
from tidemill.jobs.execution.isolation.inside.addresses import Guard
from tidemill.jobs.execution.isolation.inside.answers import Failed

answer_bytes_max: Final = 2048
"""How much of an answer is read; a delivery log shows no more."""


def callers(config: Config) -> Mapping[Port[Any], object]:
    """Return what fills the port `CALLER`."""

    def guarded() -> Guard:
        # A guard remembers what it approved, which is for processes that end soon.
        return Guard(config.webhooks.addresses_allowed, setting="webhooks.addresses_allowed")

    def resolve(host: str, port: int) -> Sequence[str]:
        try:
            return guarded().resolve(host, port)
        except Failed as error:
            raise AddressRefused(str(error)) from None

    def refusal_of(host: str, port: int) -> str | None:
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return None
        guard = guarded()
        return None if guard.allows(host, host, port) else guard.refusal(host, host, port)

    caller = HttpCaller(
        resolve,
        refusal_of,
        seconds_max=config.webhooks.answer_seconds_max,
        body_bytes_max=answer_bytes_max,
    )
    return {CALLER: caller}
