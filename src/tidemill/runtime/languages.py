"""Which languages of scripts this machine can run, for `tidemill doctor`."""

from __future__ import annotations

from tidemill.jobs.execution.executors.installed import missing_languages

__all__ = ["missing_languages"]
