DROP TABLE project_git_files;
DROP TABLE project_git_bindings;
