DROP INDEX idx_work_items_due_date_assigned;
DROP TABLE reminders;
