"""The command line of a node: a client of its daemon."""

from .root import main

__all__ = ["main"]
