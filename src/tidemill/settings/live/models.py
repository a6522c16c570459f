"""Values of the installation in memory, and who wants to hear when they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from tidemill.core.config import (
    KEYS,
    BadValue,
    Given,
    Layers,
    Origin,
    Scope,
    Source,
    resolve,
)

Handler = Callable[[Any], None]


class LiveValues:
    """What holds now, given what the sources above the database said.

    A process without a database, such as a worker, is handed what is stored by `apply`.
    """

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._stored: Mapping[str, Sequence[Given]] = {}
        # What was asked since the last change; hot paths ask for the same keys at each request.
        self._known: dict[str, Any] = {}
        self._handlers: dict[str, list[Handler]] = {}

    def get(self, key: str) -> Any:
        """Return the value of `key`; raises `KeyError` when there is no such key."""
        try:
            return self._known[key]
        except KeyError:
            value = self._known[key] = self._resolved(key, ())
            return value

    def resolved_for(self, key: str, narrow: Sequence[Given]) -> Any:
        """Return the value of `key` where `narrow` values of a tenant or user are stored."""
        return self._resolved(key, narrow) if narrow else self.get(key)

    def on_change(self, key: str, handler: Handler) -> None:
        """Call `handler` with the new value after each change; raises `KeyError` as `get`."""
        self._handlers.setdefault(KEYS[key].name, []).append(handler)

    def stored(self) -> Mapping[str, Any]:
        """Return what is stored now, as plain data by key, for `adopt` in another process.

        Secrets are left out: nobody but this process needs them.
        """
        return {
            key: to_builtins(given[0].value)
            for key, given in self._stored.items()
            if not KEYS[key].about.secret
        }

    def adopt(self, stored: Mapping[str, Any]) -> Sequence[Exception]:
        """Take over what another process has stored; return what handlers raised.

        A value that this process does not take, as of another release, is passed over.
        """
        return self.apply({key: [given] for key, given in _accepted(stored)})

    def apply(self, stored: Mapping[str, Sequence[Given]]) -> Sequence[Exception]:
        """Take over what is stored now and tell who waits; return what handlers raised."""
        before = {key: self.get(key) for key in self._handlers}
        self._stored, self._known = stored, {}
        failures: list[Exception] = []
        for key, handlers in self._handlers.items():
            value = self.get(key)
            if value == before[key]:
                continue
            for handler in handlers:
                try:
                    handler(value)
                except Exception as error:  # noqa: BLE001 - one listener must not starve others
                    failures.append(error)
        return failures

    def _resolved(self, key: str, narrow: Sequence[Given]) -> Any:
        stored = (*narrow, *self._stored.get(key, ()))
        return resolve(self._layers.of(key), stored, KEYS[key].default).value


def _accepted(stored: Mapping[str, Any]) -> Iterator[tuple[str, Given]]:
    origin = Origin(source=Source.DATABASE, scope=Scope.INSTALLATION)
    for name, value in stored.items():
        key = KEYS.get(name)
        if key is None or not key.live:
            continue
        try:
            yield name, Given(value=key.accept(value), origin=origin)
        except BadValue:
            continue
