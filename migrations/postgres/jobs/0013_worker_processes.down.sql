ALTER TABLE workers DROP COLUMN process;
