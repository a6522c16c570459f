-- Where an item stands among those of its project; see board/ranking/ranks.py. Items that are
-- there already stand in the order of their numbers: `e`, and the number as five base-62 digits.
ALTER TABLE work_items ADD COLUMN rank TEXT NOT NULL DEFAULT '';
UPDATE work_items
SET rank = 'e'
    || substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', CAST(number / 14776336 % 62 + 1 AS INTEGER), 1)
    || substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', CAST(number / 238328 % 62 + 1 AS INTEGER), 1)
    || substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', CAST(number / 3844 % 62 + 1 AS INTEGER), 1)
    || substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', CAST(number / 62 % 62 + 1 AS INTEGER), 1)
    || substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', CAST(number % 62 + 1 AS INTEGER), 1);
CREATE UNIQUE INDEX idx_work_items_rank ON work_items (tenant_id, project_id, rank);
