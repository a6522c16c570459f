"""Metrics of jobs; no I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from tidemill.jobs.context_errors import MetricInvalid

metrics_max: Final = 50
"""How many names one job may have."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")


def checked(values: Mapping[str, float]) -> dict[str, float]:
    """Return `values`, whose names and numbers every database can keep; raises `MetricInvalid`."""
    if not 0 < len(values) <= metrics_max:
        raise MetricInvalid("values", f"give 1 to {metrics_max} metrics.")
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            shown = name if len(name) <= metrics_max else f"{name[:metrics_max]}…"
            raise MetricInvalid(
                f"values.{shown}",
                "a name has 1 to 100 characters of A-Z, a-z, 0-9, '_' and '.', no digit first.",
            )
        if not math.isfinite(value):
            raise MetricInvalid(f"values.{name}", "it must be a finite number.")
    return {name: float(value) for name, value in values.items()}
