"""Emulated links, the demonstration and the benchmarks, run on the real product."""
