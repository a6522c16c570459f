"""The stores as PostgreSQL schemas: each use case in a pooled transaction of its own."""
