"""Settings as the runtime sees them."""

from __future__ import annotations

from typing import Final

from tidemill.core.module import Module, Offer, Parts
from tidemill.core.operators import OPERATORS
from tidemill.settings.contract import SETTINGS
from tidemill.settings.live.service import LiveSettings
from tidemill.settings.operators.service import FirstOwners
from tidemill.settings.permissions import PERMISSIONS
from tidemill.settings.values.routes import ROUTES
from tidemill.settings.values.service import SettingService


def build(parts: Parts) -> Offer:
    """Return what settings offer to a process."""
    layers = parts.config.layers
    live = LiveSettings(parts.control, layers, parts.invalidations)
    operators = FirstOwners(parts.control)
    service = SettingService(parts.control, layers, operators)
    return Offer(
        routes=ROUTES,
        dependencies={"settings": service},
        provides={SETTINGS: live, OPERATORS: operators},
        services=(live,),
        permissions=PERMISSIONS,
    )


MODULE: Final = Module(name="settings", build=build)
