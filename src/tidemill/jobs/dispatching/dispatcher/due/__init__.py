"""Jobs whose time comes."""
