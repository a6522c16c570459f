"""What other features may know of settings: reading them live, and the fact of a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Protocol

from tidemill.core.actor import Actor
from tidemill.core.config import Scope
from tidemill.core.facts import Fact
from tidemill.core.module import Port


class SettingChanged(Fact, frozen=True, kw_only=True):
    """A stored value was written or removed; `user_id` is set for one of a user's own."""

    feature: ClassVar[str] = "settings"

    key: str
    scope: Scope
    removed: bool = False
    user_id: str | None = None

    @property
    def subject(self) -> str:
        """Return the key."""
        return self.key


class Settings(Protocol):
    """Values that may change while the process runs; a change arrives within 2 s."""

    def get(self, key: str) -> Any:
        """Return the installation's value of `key`, in the type of its section's field."""
        ...

    async def get_for(self, key: str, actor: Actor) -> Any:
        """Return the value that holds for `actor`: of the user, the tenant or the installation.

        The command line, the environment and the configuration file win over all three.
        """
        ...

    def on_change(self, key: str, handler: Callable[[Any], None]) -> None:
        """Call `handler` with the installation's new value of `key` after each change."""
        ...

    def stored(self) -> Mapping[str, Any]:
        """Return what is stored for the installation, as plain data by key, without secrets.

        For processes without a database, such as workers, which are handed it and add what
        their own command line, environment and file say.
        """
        ...

    def on_stored(self, handler: Callable[[Mapping[str, Any]], None]) -> None:
        """Call `handler` with `stored()` after each change of it."""
        ...


SETTINGS: Final[Port[Settings]] = Port("settings")
