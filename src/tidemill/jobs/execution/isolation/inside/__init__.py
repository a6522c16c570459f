"""What runs on the other side of the wall: standard library only, with nothing of Tidemill's.

A fresh interpreter (`python -I -S`) loads this package by its path, so its modules import each
other relatively and nothing else of the project.
"""

# Behind walls this folder's own path may be covered; what is imported late is found where it is
# shown to jobs (see `place`).
__path__.append("/tidemill")
