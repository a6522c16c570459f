-- contract: the column of comments in search_documents was never filled.
-- Comments are searched one by one, each in a document of its own: a comment costs its own text,
-- however many there are beside it. Triggers keep the documents with their comments; of each, the
-- first 20,000 characters are searched. A deleted comment has no document.
--
-- Beginnings of words are found among the words themselves: an index of the first two and three
-- letters made each word three entries, and found the shortest beginnings a fifth sooner.
CREATE TABLE comment_documents (
    position INTEGER PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    UNIQUE (tenant_id, comment_id)
) STRICT;
CREATE VIRTUAL TABLE search_comments USING fts5 (
    content, content = '',
    tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO comment_documents (tenant_id, comment_id, work_item_id)
SELECT tenant_id, id, work_item_id FROM comments WHERE deleted_at IS NULL ORDER BY tenant_id, id;
INSERT INTO search_comments (rowid, content)
SELECT d.position, substr(c.content, 1, 20000)
FROM comment_documents AS d
JOIN comments AS c ON c.tenant_id = d.tenant_id AND c.id = d.comment_id
ORDER BY d.position;

CREATE TRIGGER comments_added_to_search AFTER INSERT ON comments
WHEN NEW.deleted_at IS NULL BEGIN
    INSERT INTO comment_documents (tenant_id, comment_id, work_item_id)
    VALUES (NEW.tenant_id, NEW.id, NEW.work_item_id);
    INSERT INTO search_comments (rowid, content)
    SELECT position, substr(NEW.content, 1, 20000) FROM comment_documents
    WHERE tenant_id = NEW.tenant_id AND comment_id = NEW.id;
END;
CREATE TRIGGER comments_changed_in_search AFTER UPDATE OF content ON comments
WHEN OLD.content <> NEW.content AND OLD.deleted_at IS NULL AND NEW.deleted_at IS NULL BEGIN
    INSERT INTO search_comments (search_comments, rowid, content)
    SELECT 'delete', position, substr(OLD.content, 1, 20000) FROM comment_documents
    WHERE tenant_id = NEW.tenant_id AND comment_id = NEW.id;
    INSERT INTO search_comments (rowid, content)
    SELECT position, substr(NEW.content, 1, 20000) FROM comment_documents
    WHERE tenant_id = NEW.tenant_id AND comment_id = NEW.id;
END;
CREATE TRIGGER comments_deleted_from_search AFTER UPDATE OF deleted_at ON comments
WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL BEGIN
    INSERT INTO search_comments (search_comments, rowid, content)
    SELECT 'delete', position, substr(OLD.content, 1, 20000) FROM comment_documents
    WHERE tenant_id = OLD.tenant_id AND comment_id = OLD.id;
    DELETE FROM comment_documents WHERE tenant_id = OLD.tenant_id AND comment_id = OLD.id;
END;
CREATE TRIGGER comments_removed_from_search AFTER DELETE ON comments
WHEN OLD.deleted_at IS NULL BEGIN
    INSERT INTO search_comments (search_comments, rowid, content)
    SELECT 'delete', position, substr(OLD.content, 1, 20000) FROM comment_documents
    WHERE tenant_id = OLD.tenant_id AND comment_id = OLD.id;
    DELETE FROM comment_documents WHERE tenant_id = OLD.tenant_id AND comment_id = OLD.id;
END;

DROP TRIGGER search_documents_added;
DROP TRIGGER search_documents_removed;
DROP TRIGGER search_documents_changed;
DROP TABLE search_words;
ALTER TABLE search_documents DROP COLUMN comments;
CREATE VIRTUAL TABLE search_words USING fts5 (
    title, description,
    content = 'search_documents', content_rowid = 'position',
    tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO search_words (search_words) VALUES ('rebuild');
CREATE TRIGGER search_documents_added AFTER INSERT ON search_documents BEGIN
    INSERT INTO search_words (rowid, title, description)
    VALUES (NEW.position, NEW.title, NEW.description);
    INSERT INTO search_trigrams (rowid, title) VALUES (NEW.position, NEW.title);
END;
CREATE TRIGGER search_documents_removed AFTER DELETE ON search_documents BEGIN
    INSERT INTO search_words (search_words, rowid, title, description)
    VALUES ('delete', OLD.position, OLD.title, OLD.description);
    INSERT INTO search_trigrams (search_trigrams, rowid, title)
    VALUES ('delete', OLD.position, OLD.title);
END;
CREATE TRIGGER search_documents_changed AFTER UPDATE ON search_documents BEGIN
    INSERT INTO search_words (search_words, rowid, title, description)
    VALUES ('delete', OLD.position, OLD.title, OLD.description);
    INSERT INTO search_words (rowid, title, description)
    VALUES (NEW.position, NEW.title, NEW.description);
END;
CREATE TRIGGER search_titles_changed AFTER UPDATE OF title ON search_documents
WHEN OLD.title <> NEW.title BEGIN
    INSERT INTO search_trigrams (search_trigrams, rowid, title)
    VALUES ('delete', OLD.position, OLD.title);
    INSERT INTO search_trigrams (rowid, title) VALUES (NEW.position, NEW.title);
END;
