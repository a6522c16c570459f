"""Schedules that a program keeps as its code says: made, changed or left alone, by their path."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.jobs.schedule_errors import ScheduleNotFound, SchedulePathTaken
from tidemill.jobs.scheduling.schedules.models import Definition, Schedule, to_json
from tidemill.jobs.scheduling.schedules.service import ScheduleService


async def ensure(
    schedules: ScheduleService, path: str, definition: Definition, *, enabled: bool, actor: Actor
) -> Schedule:
    """Return the schedule at `path` with this definition; one that has it stays as it is.

    Safe to repeat, also by many processes at once: what was due before stays due.
    """
    try:
        known = await schedules.get(path, actor=actor)
    except ScheduleNotFound:
        try:
            return await schedules.create(path, definition, enabled=enabled, actor=actor)
        except SchedulePathTaken:
            known = await schedules.get(path, actor=actor)
    if to_json(known.definition) == to_json(definition) and known.enabled == enabled:
        return known
    return await schedules.replace(path, definition, enabled=enabled, actor=actor)
