DROP TABLE resource_references;
DROP TABLE resources;
DROP TABLE resource_types;
DROP TABLE variables;
DROP TABLE secret_keys;
