DROP TABLE activities;
DROP TABLE work_items;
DROP TABLE projects;
