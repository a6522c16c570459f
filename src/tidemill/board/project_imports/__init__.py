"""Project imports: a project document, with its files, becomes a project again."""
