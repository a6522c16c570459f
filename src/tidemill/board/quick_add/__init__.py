"""Quick add: a work item from one line of text."""
