-- Fields that a tenant, or one of its projects, gives its items besides those that all have; choices
-- and limits are JSON. No two of one project share a key, those of the tenant among them.
CREATE TABLE custom_fields (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    field_type TEXT NOT NULL,
    help TEXT,
    is_required INTEGER NOT NULL,
    default_value TEXT,
    rules TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_custom_fields_projects FOREIGN KEY (tenant_id, project_id)
        REFERENCES projects (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX idx_custom_fields_key
    ON custom_fields (tenant_id, key, COALESCE(project_id, ''));

-- What an item has in custom fields, as JSON: what a list needs of them comes with the item.
ALTER TABLE work_items ADD COLUMN custom_values TEXT;

-- The same once more for those who look for it: days, ids and texts as they are compared, and numbers
-- in millionths, which no database rounds.
CREATE TABLE custom_field_values (
    tenant_id TEXT NOT NULL,
    field_id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    text_value TEXT,
    number_value INTEGER,
    PRIMARY KEY (tenant_id, work_item_id, field_id),
    CONSTRAINT fk_custom_field_values_custom_fields FOREIGN KEY (tenant_id, field_id)
        REFERENCES custom_fields (tenant_id, id),
    CONSTRAINT fk_custom_field_values_work_items FOREIGN KEY (tenant_id, work_item_id)
        REFERENCES work_items (tenant_id, id)
) STRICT;
CREATE INDEX idx_custom_field_values_text_value
    ON custom_field_values (tenant_id, field_id, text_value, work_item_id);
CREATE INDEX idx_custom_field_values_number_value
    ON custom_field_values (tenant_id, field_id, number_value, work_item_id)
    WHERE number_value IS NOT NULL;
