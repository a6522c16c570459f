"""Swim lanes: how items are cut across the columns of boards."""
