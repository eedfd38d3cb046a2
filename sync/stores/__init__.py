"""Stores: where custody is kept."""

from .memory import MemoryState, MemoryStore

__all__ = ["MemoryState", "MemoryStore"]
