"""Writing: the changes of single items that files ask for."""
