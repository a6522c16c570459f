DROP INDEX idx_work_items_created_at;
DROP INDEX idx_work_items_status;
DROP TRIGGER work_items_changed_in_search;
DROP TRIGGER work_items_added_to_search;
DROP TABLE search_trigrams;
DROP TABLE search_words;
DROP TABLE search_documents;
