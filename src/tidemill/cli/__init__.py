"""The command line: parse, call, print. It talks to a running server over HTTP."""
