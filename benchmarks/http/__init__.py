"""HTTP: reading and durably creating a work item, beside the usual Python service."""
