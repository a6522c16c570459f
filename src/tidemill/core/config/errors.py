"""What can be wrong with the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.errors import TidemillError


class ConfigRefused(TidemillError):
    """The configuration cannot be used; `problems` names every mistake and its place."""

    code = "CONFIG_REFUSED"
    type = "configuration_error"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
