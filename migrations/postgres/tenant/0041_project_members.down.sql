-- Projects that are private would be open to the whole tenant afterwards, and nobody told so.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM projects WHERE visibility = 'private') THEN
        RAISE EXCEPTION 'There are private projects, which everybody in the tenant would see. '
            'Let the tenant see them first: tidemill projects visibility KEY tenant.';
    END IF;
END
$$;
DELETE FROM followers WHERE name = 'board.project_members';
DROP TABLE project_members;
ALTER TABLE people DROP COLUMN role;
DROP INDEX idx_projects_private;
ALTER TABLE projects DROP COLUMN visibility;
