"""Clinical rules of a node, pure: no I/O, no clock, no randomness."""
