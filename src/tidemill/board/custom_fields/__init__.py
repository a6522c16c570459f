"""Custom fields: what items of a tenant, or of a project, can say besides what all can."""
