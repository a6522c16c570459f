"""One module for each contestant: how it enqueues, works, and says what it has stored.

Each has GUARANTEE, SERVER (the name of the process that stores), WORKER (a command), and setup,
one, bulk and stored, which may be coroutines.
"""
