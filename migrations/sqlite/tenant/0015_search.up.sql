-- The texts of work items, and two indexes of them: of words, and of each three characters of the
-- title, by which words are found that were mistyped. Triggers keep them with their items.
CREATE TABLE search_documents (
    position INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    comments TEXT NOT NULL DEFAULT '',
    UNIQUE (tenant_id, work_item_id),
    CONSTRAINT fk_search_documents_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id) ON DELETE CASCADE
) STRICT;
CREATE VIRTUAL TABLE search_words USING fts5 (
    title, description, comments,
    content = 'search_documents', content_rowid = 'position',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
CREATE VIRTUAL TABLE search_trigrams USING fts5 (
    title, content = 'search_documents', content_rowid = 'position',
    tokenize = 'trigram', detail = 'none'
);

CREATE TRIGGER search_documents_added AFTER INSERT ON search_documents BEGIN
    INSERT INTO search_words (rowid, title, description, comments)
    VALUES (NEW.position, NEW.title, NEW.description, NEW.comments);
    INSERT INTO search_trigrams (rowid, title) VALUES (NEW.position, NEW.title);
END;
CREATE TRIGGER search_documents_removed AFTER DELETE ON search_documents BEGIN
    INSERT INTO search_words (search_words, rowid, title, description, comments)
    VALUES ('delete', OLD.position, OLD.title, OLD.description, OLD.comments);
    INSERT INTO search_trigrams (search_trigrams, rowid, title)
    VALUES ('delete', OLD.position, OLD.title);
END;
CREATE TRIGGER search_documents_changed AFTER UPDATE ON search_documents BEGIN
    INSERT INTO search_words (search_words, rowid, title, description, comments)
    VALUES ('delete', OLD.position, OLD.title, OLD.description, OLD.comments);
    INSERT INTO search_trigrams (search_trigrams, rowid, title)
    VALUES ('delete', OLD.position, OLD.title);
    INSERT INTO search_words (rowid, title, description, comments)
    VALUES (NEW.position, NEW.title, NEW.description, NEW.comments);
    INSERT INTO search_trigrams (rowid, title) VALUES (NEW.position, NEW.title);
END;

INSERT INTO search_documents (tenant_id, work_item_id, title, description)
SELECT tenant_id, id, title, COALESCE(description, '') FROM work_items;

CREATE TRIGGER work_items_added_to_search AFTER INSERT ON work_items BEGIN
    INSERT INTO search_documents (tenant_id, work_item_id, title, description)
    VALUES (NEW.tenant_id, NEW.id, NEW.title, COALESCE(NEW.description, ''));
END;
CREATE TRIGGER work_items_changed_in_search AFTER UPDATE OF title, description ON work_items
WHEN OLD.title <> NEW.title OR OLD.description IS NOT NEW.description BEGIN
    UPDATE search_documents
    SET title = NEW.title, description = COALESCE(NEW.description, '')
    WHERE tenant_id = NEW.tenant_id AND work_item_id = NEW.id;
END;

-- Lists of a status in all projects, and by the day on which items were made.
CREATE INDEX idx_work_items_status ON work_items (tenant_id, status, id)
    WHERE deleted_at IS NULL;
CREATE INDEX idx_work_items_created_at ON work_items (tenant_id, created_at, id)
    WHERE deleted_at IS NULL;
