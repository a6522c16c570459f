"""Work items: epics, stories, tasks and bugs."""
