"""Making items over HTTP: by their fields, of a template, or a project as one."""
