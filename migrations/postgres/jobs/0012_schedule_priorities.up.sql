-- A priority of 0 was that of the schedule's function: it is left out now, and 0 is said like any other.
-- Text with a \u0000 in it is no jsonb; those few schedules keep what they say.
UPDATE schedules SET definition = CAST(CAST(definition AS jsonb) - 'priority' AS text)
WHERE CASE WHEN POSITION('\u0000' IN definition) > 0 THEN FALSE
    ELSE CAST(definition AS jsonb) ->> 'priority' = '0' END;
