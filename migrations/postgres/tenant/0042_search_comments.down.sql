ALTER TABLE search_documents ADD COLUMN comments TEXT NOT NULL DEFAULT '';
CREATE OR REPLACE FUNCTION keep_search_document() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    folded TEXT := search_folded(left(NEW.title, 100000));
BEGIN
    INSERT INTO search_documents AS there (tenant_id, work_item_id, title, words, trigrams)
    VALUES (NEW.tenant_id, NEW.id, folded, search_vector(NEW.title, NEW.description, NULL),
        search_trigrams(folded))
    ON CONFLICT (tenant_id, work_item_id) DO UPDATE
    SET title = excluded.title, trigrams = excluded.trigrams,
        words = search_vector(NEW.title, NEW.description, there.comments);
    RETURN NULL;
END $$;
DROP TRIGGER comments_changed_in_search ON comments;
DROP TRIGGER comments_added_to_search ON comments;
DROP FUNCTION keep_comment_document();
DROP TABLE comment_documents;
