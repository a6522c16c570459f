-- contract: the column of comments in search_documents was never filled.
-- Comments are searched one by one, each in a document of its own: a comment costs its own text,
-- however many there are beside it. A trigger keeps the documents with their comments; of each, the
-- first 20,000 characters are searched. A deleted comment has no document.
CREATE TABLE comment_documents (
    tenant_id TEXT COLLATE "C" NOT NULL,
    comment_id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    words TSVECTOR NOT NULL,
    PRIMARY KEY (tenant_id, comment_id),
    CONSTRAINT fk_comment_documents_comments FOREIGN KEY (tenant_id, comment_id)
        REFERENCES comments (tenant_id, id) ON DELETE CASCADE
);
INSERT INTO comment_documents (tenant_id, comment_id, work_item_id, words)
SELECT tenant_id, id, work_item_id, search_vector(left(content, 20000), NULL, NULL)
FROM comments WHERE deleted_at IS NULL;
CREATE INDEX idx_comment_documents_words ON comment_documents USING gin (words);

CREATE FUNCTION keep_comment_document() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.deleted_at IS NOT NULL THEN
        DELETE FROM comment_documents WHERE tenant_id = NEW.tenant_id AND comment_id = NEW.id;
    ELSE
        INSERT INTO comment_documents (tenant_id, comment_id, work_item_id, words)
        VALUES (NEW.tenant_id, NEW.id, NEW.work_item_id,
            search_vector(left(NEW.content, 20000), NULL, NULL))
        ON CONFLICT (tenant_id, comment_id) DO UPDATE SET words = excluded.words;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER comments_added_to_search AFTER INSERT ON comments
    FOR EACH ROW EXECUTE FUNCTION keep_comment_document();
CREATE TRIGGER comments_changed_in_search AFTER UPDATE OF content, deleted_at ON comments
    FOR EACH ROW
    WHEN (OLD.content <> NEW.content OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION keep_comment_document();

CREATE OR REPLACE FUNCTION keep_search_document() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    folded TEXT := search_folded(left(NEW.title, 100000));
BEGIN
    INSERT INTO search_documents (tenant_id, work_item_id, title, words, trigrams)
    VALUES (NEW.tenant_id, NEW.id, folded, search_vector(NEW.title, NEW.description, NULL),
        search_trigrams(folded))
    ON CONFLICT (tenant_id, work_item_id) DO UPDATE
    SET title = excluded.title, trigrams = excluded.trigrams, words = excluded.words;
    RETURN NULL;
END $$;
ALTER TABLE search_documents DROP COLUMN comments;
