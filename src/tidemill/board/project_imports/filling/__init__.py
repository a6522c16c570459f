"""The items of an imported project, and what belongs to them."""
