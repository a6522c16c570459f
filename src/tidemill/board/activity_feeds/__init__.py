"""Activity feeds: what happened since a number of the stream, with nothing left out."""
