"""What a script may import of Tidemill: `from tidemill import context`."""
