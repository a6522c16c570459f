"""Notifying: from facts to the inboxes of those who shall hear of them."""
