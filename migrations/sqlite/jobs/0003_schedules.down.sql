DROP TABLE schedule_occurrences;
DROP TABLE schedule_dependencies;
DROP TABLE schedules;
DROP TABLE calendars;
