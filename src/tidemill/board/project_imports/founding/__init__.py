"""The frame of an imported project: all that items refer to."""
