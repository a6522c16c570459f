"""What the database holds of an installation's settings, for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidemill.core.config import Config, Given
from tidemill.core.ports import Tx
from tidemill.runtime.migrating import inspect_schema
from tidemill.settings.values.service import stored_for_installation


async def stored_settings(config: Config) -> Mapping[str, Sequence[Given]]:
    """Return what is stored for the installation, by key, also while a server runs.

    Nothing is stored where nothing has started yet; nothing is made there. Raises
    `StoreUnavailable`.
    """
    async with inspect_schema(config) as inspector:
        return await inspector.read_control(_stored) or {}


def _stored(tx: Tx) -> Mapping[str, Sequence[Given]]:
    # Of a value that no longer fits, the server's log tells.
    return stored_for_installation(tx, ignored=lambda _key, _reason: None)
