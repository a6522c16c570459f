"""Single-use tickets with which a page opens a socket."""
