DROP TABLE custom_field_values;
ALTER TABLE work_items DROP COLUMN custom_values;
DROP TABLE custom_fields;
