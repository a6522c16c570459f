DROP TABLE project_members;
ALTER TABLE people DROP COLUMN role;
DROP INDEX idx_projects_private;
ALTER TABLE projects DROP COLUMN visibility;
