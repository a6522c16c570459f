"""Changing: the steps by which items change, one by one or many at once."""
