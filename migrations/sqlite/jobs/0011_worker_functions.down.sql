ALTER TABLE workers DROP COLUMN functions;
