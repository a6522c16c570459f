"""How features call addresses outside: only where the operator lets them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from tidemill.core.calls import CALLER
from tidemill.core.config import Config
from tidemill.core.module import Port
from tidemill.core.upstreams import UPSTREAMS
from tidemill.infrastructure.calls.approving import AddressRefused
from tidemill.infrastructure.calls.http_caller import HttpCaller
from tidemill.infrastructure.calls.http_upstreams import HttpUpstreams
from tidemill.jobs.execution.isolation.inside.addresses import Guard
from tidemill.jobs.execution.isolation.inside.answers import Failed

answer_bytes_max: Final = 2048
"""How much of an answer is read; a delivery log shows no more."""


def callers(config: Config) -> Mapping[Port[Any], object]:
    """Return what fills the ports `CALLER` and `UPSTREAMS`."""
    webhooks = _Approving(config.webhooks.addresses_allowed, "webhooks.addresses_allowed")
    caller = HttpCaller(
        webhooks.resolve,
        webhooks.refusal,
        seconds_max=config.webhooks.answer_seconds_max,
        body_bytes_max=answer_bytes_max,
    )
    models = _Approving(config.llm.addresses_allowed, "llm.addresses_allowed")
    upstreams = HttpUpstreams(
        models.resolve, models.refusal, silent_seconds_max=config.llm.silent_seconds_max
    )
    return {CALLER: caller, UPSTREAMS: upstreams}


class _Approving(Struct, frozen=True):
    """Judges addresses by what a setting allows besides public ones."""

    allowed: tuple[str, ...]
    setting: str

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses that may be connected to; raises `AddressRefused`."""
        try:
            return self._guard().resolve(host, port)
        except Failed as error:
            raise AddressRefused(str(error)) from None

    def refusal(self, host: str, port: int) -> str | None:
        """Return why a literal address is refused; None for names."""
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            if host.replace(".", "").isdigit():
                # Clients take such a host for an address without asking the resolver.
                return f"{host} is no address: write all four numbers, such as 192.0.2.1."
            return None
        guard = self._guard()
        return None if guard.allows(host, host, port) else guard.refusal(host, host, port)

    def _guard(self) -> Guard:
        # A guard remembers what it approved, which is for processes that end soon.
        return Guard(self.allowed, setting=self.setting)
