-- Makes of a text what is compared: without accents and case. What the server can do about both
-- depends on its encoding and on whether it was built with ICU; no extension is needed.
DO $make$
DECLARE
    bare TEXT := 'given';
    words TEXT := '';
BEGIN
    IF current_setting('server_encoding') = 'UTF8' THEN
        bare := $$regexp_replace(normalize(given, NFD), '[\u0300-\u036f]', '', 'g')$$;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu') THEN
        words := ' COLLATE pg_catalog."und-x-icu"';
    END IF;
    EXECUTE format(
        'CREATE FUNCTION search_folded(given TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE '
        'RETURN btrim(regexp_replace(lower(%s%s), %L%s, '' '', ''g''))',
        bare, words, '[^[:alnum:]]+', words
    );
END $make$;

-- The words of a title (A), a description (B) and comments (C) with their places, far enough apart
-- that no phrase reaches from one into the next.
CREATE FUNCTION search_vector(title TEXT, description TEXT, comments TEXT) RETURNS TSVECTOR
LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(COALESCE(string_agg(
        left(word, 500) || ':' || LEAST(start + place, 16383) || label, ' '), '') AS TSVECTOR)
    FROM (VALUES (title, 0, 'A'), (description, 2000, 'B'), (comments, 12000, 'C'))
        AS texts (given, start, label),
        unnest(string_to_array(search_folded(left(given, 100000)), ' '))
            WITH ORDINALITY AS words (word, place)
    WHERE word <> ''
$$;

-- Each three characters of a text that was folded.
CREATE FUNCTION search_trigrams(folded TEXT) RETURNS TEXT[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(array_agg(DISTINCT substr(folded, place, 3)), '{}')
    FROM generate_series(1, length(folded) - 2) AS places (place)
$$;

-- The texts of work items as they are searched. A trigger keeps them with their items.
CREATE TABLE search_documents (
    tenant_id TEXT COLLATE "C" NOT NULL,
    work_item_id TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    comments TEXT NOT NULL DEFAULT '',
    words TSVECTOR NOT NULL,
    trigrams TEXT[] COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, work_item_id),
    CONSTRAINT fk_search_documents_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX idx_search_documents_words ON search_documents USING gin (words);
CREATE INDEX idx_search_documents_trigrams ON search_documents USING gin (trigrams);
CREATE INDEX idx_search_documents_title ON search_documents (tenant_id, left(title, 100));

CREATE FUNCTION keep_search_document() RETURNS TRIGGER LANGUAGE plpgsql AS $$
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

-- Its owner, too, sees no row of a table whose row-level security is forced.
DO $fill$
DECLARE
    is_forced BOOLEAN := (SELECT relforcerowsecurity FROM pg_class
                          WHERE oid = CAST('work_items' AS REGCLASS));
BEGIN
    IF is_forced THEN
        ALTER TABLE work_items NO FORCE ROW LEVEL SECURITY;
    END IF;
    INSERT INTO search_documents (tenant_id, work_item_id, title, words, trigrams)
    SELECT tenant_id, id, search_folded(left(title, 100000)), search_vector(title, description, NULL),
        search_trigrams(search_folded(left(title, 100000)))
    FROM work_items;
    IF is_forced THEN
        ALTER TABLE work_items FORCE ROW LEVEL SECURITY;
    END IF;
END $fill$;

CREATE TRIGGER work_items_added_to_search AFTER INSERT ON work_items
    FOR EACH ROW EXECUTE FUNCTION keep_search_document();
CREATE TRIGGER work_items_changed_in_search AFTER UPDATE OF title, description ON work_items
    FOR EACH ROW
    WHEN (OLD.title <> NEW.title OR OLD.description IS DISTINCT FROM NEW.description)
    EXECUTE FUNCTION keep_search_document();

-- Lists of a status in all projects, and by the day on which items were made.
CREATE INDEX idx_work_items_status ON work_items (tenant_id, status, id)
    WHERE deleted_at IS NULL;
CREATE INDEX idx_work_items_created_at ON work_items (tenant_id, created_at, id)
    WHERE deleted_at IS NULL;
