-- How long an item may take; null where nobody has said.
ALTER TABLE work_items ADD COLUMN estimate_seconds INTEGER;
