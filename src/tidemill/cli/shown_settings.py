"""The settings that `tidemill doctor` speaks of: those of the server that runs, or its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from tidemill.cli.failures import CommandFailed
from tidemill.core.config import KEYS, Config, Origin, resolve

Ask = Callable[[str], Any]
"""Returns what the running server answers at a path; raises `CommandFailed`."""


class ShownSettings:
    """Values and their sources, as the server has them where it said so."""

    def __init__(self, config: Config, told: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._config = config
        self._told = told or {}

    @property
    def differing(self) -> list[str]:
        """Return the settings that the server has otherwise than this command, as it has them."""
        own = ShownSettings(self._config)
        return [
            f"{self.setting(key)} ({self.source(key)})"
            for key in sorted(self._told)
            if key in KEYS and self.setting(key) != own.setting(key)
        ]

    def value(self, key: str) -> Any:
        """Return the value; a secret of the server is stars."""
        if key in self._told:
            return self._told[key]["value"]
        section, field = key.split(".")
        return getattr(getattr(self._config, section), field)

    def setting(self, key: str) -> str:
        """Return key and value as they are shown."""
        value = self.value(key)
        if key not in self._told:
            value = msgspec.to_builtins(KEYS[key].shown(value))
        return f"{key} = {value!r}"

    def source(self, key: str) -> str:
        """Return where the value comes from."""
        if key in self._told:
            return str(msgspec.convert(self._told[key]["origin"], Origin))
        return str(resolve(self._config.layers.of(key), (), KEYS[key].default).origin)


def settings_of_server(config: Config, ask: Ask) -> ShownSettings | None:
    """Return the settings of the server that runs; None where it does not tell them."""
    told: dict[str, Mapping[str, Any]] = {}
    cursor: str | None = ""
    while cursor is not None:
        after = f"&cursor={quote(cursor)}" if cursor else ""
        try:
            page = ask(f"/api/v1/settings?limit=200{after}")
        except CommandFailed:
            return None
        told.update((one["key"], one) for one in page["items"])
        cursor = page["next_cursor"]
    return ShownSettings(config, told)
