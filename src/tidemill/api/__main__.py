"""`python -m tidemill.api …`: the API role as a process."""

from __future__ import annotations

import sys

from tidemill.core.config import Config, ConfigRefused
from tidemill.runtime.roles import run_role


def _run(config: Config) -> None:
    if not config.api.enabled:
        _dispatch(config)
        return
    # Imported when the options are known to be good, since it takes the longest.
    from tidemill.api.serving import run  # noqa: PLC0415 - see above

    run(config)


def _dispatch(config: Config) -> None:
    if not config.dispatcher.enabled:
        raise ConfigRefused(
            ["api.enabled and dispatcher.enabled are both false: this process has nothing to do."]
        )
    from tidemill.runtime.dispatcher_process import run  # noqa: PLC0415 - only what is used

    run(config)


sys.exit(run_role("api", sys.argv[1:], _run))
