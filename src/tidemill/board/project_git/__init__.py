"""Projects as readable files in repositories of git, both ways."""
