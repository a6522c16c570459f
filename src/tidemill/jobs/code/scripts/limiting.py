"""Limits that are deployed with a script; no I/O."""

from __future__ import annotations

import difflib

import msgspec

from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limits.models import Limits, check_limits, key_arguments


def checked_limits(limits: Limits | None, schema: str) -> str | None:
    """Return limits as JSON, whose keys name only arguments of the script.

    Raises `InvalidJobField`. `schema` is the JSON Schema of the arguments.
    """
    if limits is None:
        return None
    check_limits(limits)
    known = msgspec.json.decode(schema)
    if known.get("additionalProperties") is not False:
        return limits.to_json()
    names = known.get("properties", {})
    for field, argument in key_arguments(limits):
        if argument not in names:
            close = difflib.get_close_matches(argument, names, n=1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            expected = f"made of arguments that the script takes, not {argument}{meant}"
            raise InvalidJobField(f"limits.{field}", expected)
    return limits.to_json()
