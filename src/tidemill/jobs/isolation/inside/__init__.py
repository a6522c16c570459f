"""What runs on the other side of the wall: standard library only, with nothing of Tidemill's.

A fresh interpreter (`python -I -S`) loads this package by its path, so its modules import each
other relatively and nothing else of the project.
"""
