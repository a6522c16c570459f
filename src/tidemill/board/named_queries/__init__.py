"""Named queries: questions to the board that a model may ask, each a fixed statement."""
