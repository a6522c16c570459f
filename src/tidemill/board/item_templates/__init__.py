"""Item templates: work items as they are made again and again, with what lies below them."""
