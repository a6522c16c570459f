"""What can be read from the text of a script, whatever it is written in; nothing of it is run."""
