-- Projects that are private would be open to the whole tenant afterwards, and nobody told so.
CREATE TRIGGER private_projects_stay BEFORE UPDATE OF visibility ON projects
WHEN OLD.visibility = 'private'
BEGIN
    SELECT RAISE(ABORT, 'There are private projects, which everybody in the tenant would see. Let the tenant see them first: tidemill projects visibility KEY tenant.');
END;
UPDATE projects SET visibility = 'tenant' WHERE visibility = 'private';
DROP TRIGGER private_projects_stay;
DELETE FROM followers WHERE name = 'board.project_members';
DROP TABLE project_members;
ALTER TABLE people DROP COLUMN role;
DROP INDEX idx_projects_private;
ALTER TABLE projects DROP COLUMN visibility;
