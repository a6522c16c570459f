-- A priority of 0 was that of the schedule's function: it is left out now, and 0 is said like any other.
UPDATE schedules SET definition = json_remove(definition, '$.priority')
WHERE json_extract(definition, '$.priority') = 0;
