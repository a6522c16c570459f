-- Which start of its program a worker is: of two under one name the later one is larger, and wins.
ALTER TABLE workers ADD COLUMN process TEXT;
