"""Bodies of states."""

from __future__ import annotations

from typing import Any, Self

import msgspec

from tidemill.core.clock import rfc3339
from tidemill.http import Body, View
from tidemill.jobs.code.states.models import State


class PutState(Body, frozen=True, kw_only=True):
    """What to keep: anything that JSON can hold."""

    value: Any


class ScriptStateView(View, frozen=True, kw_only=True):
    """What a script has kept; null where it has kept nothing."""

    path: str
    value: Any
    updated_at: str | None
    updated_by: str | None

    @classmethod
    def of(cls, path: str, state: State | None) -> Self:
        """Return the view of what is kept for the script at `path`."""
        return cls(path=path.strip("/"), **_kept(state))


class FunctionStateView(View, frozen=True, kw_only=True):
    """What a function has kept; null where it has kept nothing."""

    name: str
    value: Any
    updated_at: str | None
    updated_by: str | None

    @classmethod
    def of(cls, name: str, state: State | None) -> Self:
        """Return the view of what is kept for the function `name`."""
        return cls(name=name, **_kept(state))


def _kept(state: State | None) -> dict[str, Any]:
    if state is None:
        return {"value": None, "updated_at": None, "updated_by": None}
    return {
        "value": msgspec.Raw(state.value.encode()),
        "updated_at": rfc3339(state.updated_at),
        "updated_by": state.updated_by,
    }
