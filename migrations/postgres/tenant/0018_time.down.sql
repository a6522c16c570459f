DROP TABLE time_settings;
DROP TABLE time_entries;
