DROP TABLE script_versions;
DROP TABLE script_contents;
DROP TABLE scripts;
