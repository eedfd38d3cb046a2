"""Links: adapters over one medium each."""

from .memory import MemoryConnection, MemoryLinkConditions, memory_link

__all__ = ["MemoryConnection", "MemoryLinkConditions", "memory_link"]
