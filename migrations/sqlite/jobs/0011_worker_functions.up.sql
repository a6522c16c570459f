-- What each worker has registered, as a JSON array of names; null where it never said so.
ALTER TABLE workers ADD COLUMN functions TEXT;
