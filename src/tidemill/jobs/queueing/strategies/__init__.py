"""How the jobs of a tag are ordered, and which worker gets each."""
