DROP INDEX idx_work_items_created_at;
DROP INDEX idx_work_items_status;
DROP TRIGGER work_items_changed_in_search ON work_items;
DROP TRIGGER work_items_added_to_search ON work_items;
DROP FUNCTION keep_search_document();
DROP TABLE search_documents;
DROP FUNCTION search_trigrams(TEXT);
DROP FUNCTION search_vector(TEXT, TEXT, TEXT);
DROP FUNCTION search_folded(TEXT);
