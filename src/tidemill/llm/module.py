"""The gateway to models as the runtime sees it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.module import Module, Offer, Parts
from tidemill.core.sealing import SEALING
from tidemill.core.upstreams import UPSTREAMS, Upstreams
from tidemill.llm.aliases.routes import ROUTES as ALIAS_ROUTES
from tidemill.llm.aliases.service import AliasService
from tidemill.llm.gateway.ollama_routes import ROUTES as OLLAMA_ROUTES
from tidemill.llm.gateway.relaying import Gateway
from tidemill.llm.gateway.routes import ROUTES as MODEL_ROUTES
from tidemill.llm.gateway.service import RoutingService
from tidemill.llm.permissions import PERMISSIONS
from tidemill.llm.providers.routes import ROUTES as PROVIDER_ROUTES
from tidemill.llm.providers.service import ProviderKeys, ProviderService
from tidemill.llm.usage.routes import ROUTES as USAGE_ROUTES
from tidemill.llm.usage.service import UsageService


class _Connections(Struct, frozen=True):
    """Closes kept connections with the process."""

    upstreams: Upstreams

    async def start(self) -> None:
        """Nothing is connected before it is needed."""

    async def stop(self) -> None:
        """Close what is connected."""
        await self.upstreams.close()


def build(parts: Parts) -> Offer:
    """Return what the gateway offers to a process."""
    sealing, upstreams = parts.get(SEALING), parts.get(UPSTREAMS)
    keys = ProviderKeys(sealing)
    sealing.on_renewal(keys.seal_again)
    routing = RoutingService(parts.tenants, keys)
    usage = UsageService(parts.tenants)
    return Offer(
        routes=(*PROVIDER_ROUTES, *ALIAS_ROUTES, *USAGE_ROUTES, *MODEL_ROUTES, *OLLAMA_ROUTES),
        dependencies={
            "llm_providers": ProviderService(parts.tenants, upstreams, keys),
            "llm_aliases": AliasService(parts.tenants),
            "llm_routing": routing,
            "llm_usage": usage,
            "llm_gateway": Gateway(routing, usage, upstreams, parts.clock),
        },
        services=(_Connections(upstreams),),
        permissions=PERMISSIONS,
    )


MODULE: Final = Module(name="llm", build=build, requires=(SEALING, UPSTREAMS))
