"""The pure session core: no I/O, no clock, no task, no randomness of its own."""
