"""Figures that jobs say of themselves."""
