"""Letters: mail with links to accounts, kept in the store until it is sent."""
