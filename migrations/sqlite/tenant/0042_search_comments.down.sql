DROP TRIGGER comments_removed_from_search;
DROP TRIGGER comments_deleted_from_search;
DROP TRIGGER comments_changed_in_search;
DROP TRIGGER comments_added_to_search;
DROP TABLE search_comments;
DROP TABLE comment_documents;

DROP TRIGGER search_titles_changed;
DROP TRIGGER search_documents_added;
DROP TRIGGER search_documents_removed;
DROP TRIGGER search_documents_changed;
DROP TABLE search_words;
ALTER TABLE search_documents ADD COLUMN comments TEXT NOT NULL DEFAULT '';
CREATE VIRTUAL TABLE search_words USING fts5 (
    title, description, comments,
    content = 'search_documents', content_rowid = 'position',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
INSERT INTO search_words (search_words) VALUES ('rebuild');
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
