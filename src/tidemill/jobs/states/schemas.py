"""Bodies of states."""

from __future__ import annotations

from typing import Any, Self

import msgspec

from tidemill.core.clock import rfc3339
from tidemill.http import Body, View
from tidemill.jobs.states.models import State


class PutState(Body, frozen=True, kw_only=True):
    """What to keep: anything that JSON can hold."""

    value: Any


class StateView(View, frozen=True, kw_only=True):
    """What a script has kept; null where it has kept nothing."""

    path: str
    value: Any
    updated_at: str | None
    updated_by: str | None

    @classmethod
    def of(cls, path: str, state: State | None) -> Self:
        """Return the view of what is kept at `path`."""
        if state is None:
            return cls(path=path.strip("/"), value=None, updated_at=None, updated_by=None)
        return cls(
            path=state.path,
            value=msgspec.Raw(state.value.encode()),
            updated_at=rfc3339(state.updated_at),
            updated_by=state.updated_by,
        )
