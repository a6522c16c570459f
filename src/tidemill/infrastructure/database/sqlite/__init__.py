"""The stores as SQLite files: group commit in writer threads, snapshots in reader threads."""
