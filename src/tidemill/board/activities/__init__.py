"""Activities: which field of an item changed, when and by whom."""
