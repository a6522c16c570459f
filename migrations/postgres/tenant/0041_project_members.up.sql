-- Who may see a project: its whole tenant, or its members alone.
ALTER TABLE projects ADD COLUMN visibility TEXT NOT NULL DEFAULT 'tenant'
    CHECK (visibility IN ('tenant', 'private'));
CREATE INDEX idx_projects_private ON projects (tenant_id, id) WHERE visibility = 'private';

-- What members may do in the whole tenant, so that a statement knows who sees private projects.
ALTER TABLE people ADD COLUMN role TEXT;
UPDATE people SET role = (
    SELECT COALESCE(CAST(s.data AS jsonb) ->> 'new_role', CAST(s.data AS jsonb) ->> 'role') FROM stream AS s
    WHERE s.tenant_id = people.tenant_id AND s.subject = people.user_id
        AND s.type IN ('MemberAdded', 'MemberRoleChanged')
    ORDER BY s.seq DESC LIMIT 1
);

-- What people may do in one project, whatever their role in the tenant lets them do elsewhere.
CREATE TABLE project_members (
    tenant_id TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'commenter', 'viewer')),
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, project_id, user_id),
    CONSTRAINT fk_project_members_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
);
CREATE INDEX idx_project_members_user_id ON project_members (tenant_id, user_id, project_id);
-- Whoever made a project goes on saying what becomes of it.
INSERT INTO project_members (tenant_id, project_id, user_id, role, created_at, created_by,
    updated_at, updated_by)
SELECT p.tenant_id, p.id, p.created_by, 'owner', p.created_at, p.created_by, p.created_at,
    p.created_by
FROM projects AS p
JOIN people AS a ON a.tenant_id = p.tenant_id AND a.user_id = p.created_by
WHERE a.state = 'active' AND a.role <> 'viewer';

-- Whom the rows above name, they name as people were told until here: who left before, lost nothing.
INSERT INTO followers (tenant_id, name, seq)
SELECT tenant_id, 'board.project_members', seq FROM followers WHERE name = 'identity.people';
