"""How the attempts of a job went."""
