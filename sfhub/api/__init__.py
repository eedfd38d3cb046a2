"""The calls of the command line."""
