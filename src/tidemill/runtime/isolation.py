"""Which isolation this machine can give to jobs, for `tidemill doctor`."""

from __future__ import annotations

from tidemill.jobs.execution.isolation.probe import Offer, probe

__all__ = ["Offer", "probe"]
